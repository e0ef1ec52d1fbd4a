/** A line of the system between messages: that a person's safety number changed. */
import { useWindowState } from '../../state/window-state.ts'
import type { TimelineItem } from '../../client/types.ts'
import { SafetyIcon } from '../../ui/icons.tsx'

interface NoticeRowProps {
  item: TimelineItem
  title: string
  tabStop: boolean
}

export function NoticeRow({ item, title, tabStop }: NoticeRowProps) {
  const show = useWindowState((state) => state.show)
  return (
    <article
      data-message={item.id}
      tabIndex={tabStop ? 0 : -1}
      aria-label={`${title}'s safety number changed`}
      className="mx-auto mt-3 mb-1 max-w-[84%] rounded-xl bg-warning-bg px-3.5 py-2 text-center text-small text-warning"
    >
      <SafetyIcon className="me-1.5 -mt-0.5 inline size-4" />
      <bdi>{title}</bdi> registered anew, so your safety number with them changed.{' '}
      <button
        type="button"
        tabIndex={-1}
        onClick={() => show({ kind: 'safety', conversation: item.conversation })}
        className="min-h-6 rounded font-semibold underline underline-offset-2"
      >
        Compare it
      </button>
    </article>
  )
}
