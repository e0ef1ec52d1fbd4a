/**
 * The rules of the message window: it follows the end while the reader is there, and is else taken
 * around the row being read, again and again as that row nears an edge.
 */
import type { TimelineWindow } from '../../client/queries.ts'
import type { TimelineCursor, TimelineItem, TimelinePage } from '../../client/types.ts'
import type { PaneView } from './message-scroller.ts'

export const rowsMax = 180
export const rowsAtEnd = 60
/** The next rows are fetched while so many panes' heights are still to scroll. */
const reachPanes = 1.5
/** Farther from the end than this the window no longer follows it. */
const atEndPx = 32

export const followingWindow: TimelineWindow = { around: undefined, limit: rowsAtEnd }

export function windowAround(item: TimelineCursor): TimelineWindow {
  return { around: { stamp: item.stamp, id: item.id }, limit: rowsMax }
}

/** Undefined: the present window serves. */
export function nextWindow(
  window: TimelineWindow,
  page: TimelinePage,
  view: PaneView,
): TimelineWindow | undefined {
  const reachPx = view.paneHeightPx * reachPanes
  const first = settledItem(page, view.first)
  const last = settledItem(page, view.last)
  if (view.abovePx < reachPx && page.moreBefore) return moved(window, first)
  if (view.belowPx < reachPx && page.moreAfter) return moved(window, last)
  const isAtEnd = view.belowPx <= atEndPx && !page.moreAfter
  if (isAtEnd && window.around !== undefined) return followingWindow
  if (!isAtEnd && window.around === undefined) return moved(window, first)
  return undefined
}

function moved(window: TimelineWindow, item: TimelineItem | undefined): TimelineWindow | undefined {
  if (item === undefined || item.id === window.around?.id) return undefined
  return windowAround(item)
}

/** A message without its final stamp may still move, so no window is taken around it. */
function settledItem(page: TimelinePage, id: string | undefined): TimelineItem | undefined {
  const item = page.items.find((candidate) => candidate.id === id)
  return item?.status === 'pending' ? undefined : item
}
