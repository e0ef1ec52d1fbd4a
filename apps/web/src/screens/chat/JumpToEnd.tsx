/** The way back to the newest message, with the number of those not seen yet. */
import { useSyncExternalStore } from 'react'
import { DownIcon } from '../../ui/icons.tsx'
import type { ViewFeed } from './view-feed.ts'

const farPx = 240

interface JumpToEndProps {
  feed: ViewFeed
  moreAfter: boolean
  unread: number
  onJump: () => void
}

export function JumpToEnd({ feed, moreAfter, unread, onJump }: JumpToEndProps) {
  const far = useSyncExternalStore(feed.subscribe, () => (feed.latest?.belowPx ?? 0) > farPx)
  if (!far && !moreAfter) return null
  return (
    <button
      type="button"
      aria-label={unread > 0 ? `Jump to the newest, ${unread} unread` : 'Jump to the newest'}
      onClick={onJump}
      className="appears fc-border absolute end-4 bottom-4 grid size-11 place-items-center rounded-full bg-panel text-soft shadow-[0_1px_5px_oklch(20%_0.02_250/0.25)] hover:text-ink"
    >
      <DownIcon />
      {unread > 0 && (
        <span className="absolute -top-2 grid h-4.5 min-w-4.5 place-items-center rounded-full bg-accent px-1.5 text-time font-semibold text-accent-ink tabular-nums">
          {unread > 999 ? '999+' : unread}
        </span>
      )}
    </button>
  )
}
