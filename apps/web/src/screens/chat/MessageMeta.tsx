/** When a message was written, and how far an own one has come. */
import type { TimelineItem } from '../../client/types.ts'
import { clockTime, fullTime } from '../../text/times.ts'
import { Ticks } from '../../ui/Ticks.tsx'

export function MessageMeta({ item, id }: { item: TimelineItem; id: string }) {
  const time = fullTime(item.stamp)
  return (
    <span id={id} className="message-meta">
      <bdi>
        <time dateTime={new Date(item.stamp).toISOString()} title={time}>
          {clockTime(item.stamp)}
        </time>
      </bdi>
      {item.status !== undefined && item.status !== 'failed' && (
        <Ticks state={item.status} time={time} />
      )}
    </span>
  )
}
