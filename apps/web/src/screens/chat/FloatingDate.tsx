/** The day of what is in sight, over the messages while they are scrolled. */
import { useEffect, useState } from 'react'
import { after } from '../../platform/clock.ts'
import { dayLabel, startOfDay } from '../../text/times.ts'
import type { TimelineItem } from '../../client/types.ts'
import type { PaneView } from './message-scroller.ts'
import type { ViewFeed } from './view-feed.ts'

const staysMs = 1_200
/** A chip of its own stands in this gap above the first message. */
const chipGapPx = 26

interface FloatingDateProps {
  feed: ViewFeed
  items: readonly TimelineItem[]
  today: number
}

export function FloatingDate({ feed, items, today }: FloatingDateProps) {
  const [day, setDay] = useState<number | undefined>(undefined)
  const [shown, setShown] = useState(false)
  useEffect(() => {
    let hideLater = () => {}
    let lastPx = feed.latest?.abovePx
    const end = feed.subscribe(() => {
      const view = feed.latest
      if (view === undefined || view.abovePx === lastPx) return
      lastPx = view.abovePx
      hideLater()
      const item = items.find((candidate) => candidate.id === view.first)
      if (item !== undefined) setDay(startOfDay(item.stamp))
      setShown(item !== undefined && isWorthShowing(view))
      hideLater = after(staysMs, () => setShown(false))
    })
    return () => {
      end()
      hideLater()
    }
  }, [feed, items])
  return (
    <p aria-hidden className="day-chip floating-date" data-shown={shown || undefined}>
      {day !== undefined && dayLabel(day, today)}
    </p>
  )
}

function isWorthShowing(view: PaneView): boolean {
  return view.firstTopPx < chipGapPx && view.belowPx > view.paneHeightPx / 4
}
