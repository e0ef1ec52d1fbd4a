/** How far an own message has come, as a sign with a word. */
import { classNames } from './class-names.ts'
import { FailedIcon, PendingIcon, TickIcon, TwoTicksIcon } from './icons.tsx'

export type TickState = 'pending' | 'accepted' | 'delivered' | 'read' | 'failed'

const words: Record<TickState, string> = {
  pending: 'Pending',
  accepted: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  failed: 'Not sent',
}

const icons = {
  pending: PendingIcon,
  accepted: TickIcon,
  delivered: TwoTicksIcon,
  read: TwoTicksIcon,
  failed: FailedIcon,
}

export function Ticks({ state, time }: { state: TickState; time?: string }) {
  const Icon = icons[state]
  const title = time === undefined ? words[state] : `${words[state]}, ${time}`
  return (
    <span
      role="img"
      aria-label={words[state]}
      title={title}
      className={classNames(
        'inline-flex shrink-0 items-center',
        state === 'read' && 'text-accent',
        state === 'failed' && 'text-danger',
      )}
    >
      <Icon />
      <span aria-hidden className="tick-word">
        {words[state]}
      </span>
    </span>
  )
}
