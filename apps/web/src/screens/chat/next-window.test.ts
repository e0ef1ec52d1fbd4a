/** Which part of a chat is mounted, as the reader moves through it. */
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { TimelineItem, TimelinePage } from '../../client/types.ts'
import type { TimelineWindow } from '../../client/queries.ts'
import type { PaneView } from './message-scroller.ts'
import { nextWindow } from './next-window.ts'

const chatSize = 1_000
const rowPx = 40
const panePx = 800
const rowsInPane = panePx / rowPx
const atEnd: TimelineWindow = { around: undefined, limit: 60 }

function item(index: number): TimelineItem {
  const body = { kind: 'text', text: `${index}` } as const
  const names = { id: `m${index}`, conversation: 'c', from: 'you', mine: false }
  const rest = { body, stamp: index, status: undefined, failure: undefined }
  return { ...names, ...rest } as unknown as TimelineItem
}

/** The page as the SDK cuts it, and the index of its first item. */
function pageOf({ around, limit }: TimelineWindow): { page: TimelinePage; from: number } {
  const middle = around === undefined ? chatSize : around.stamp
  const from = Math.max(0, around === undefined ? chatSize - limit : middle - limit / 2)
  const to = Math.min(chatSize, from + limit)
  const items = Array.from({ length: to - from }, (_, index) => item(from + index))
  const page = { items, moreBefore: from > 0, moreAfter: to < chatSize, firstUnread: undefined }
  return { page, from }
}

/** What is in sight when the row with this index is the first one, as far as the page goes. */
function viewAt(first: number, { page, from }: ReturnType<typeof pageOf>): PaneView {
  const rows = page.items.length
  const top = Math.min(Math.max(first - from, 0), rows - rowsInPane)
  return {
    first: page.items[top]?.id,
    last: page.items[top + rowsInPane - 1]?.id,
    firstTopPx: 0,
    abovePx: top * rowPx,
    belowPx: (rows - top - rowsInPane) * rowPx,
    paneHeightPx: panePx,
  }
}

/** Lets the window follow until it is content. */
function settled(window: TimelineWindow, first: number): TimelineWindow {
  let present = window
  for (let moves = 0; moves < 50; moves++) {
    const cut = pageOf(present)
    const next = nextWindow(present, cut.page, viewAt(first, cut))
    if (next === undefined) return present
    present = next
  }
  throw new Error('the window never came to rest')
}

describe('the window of messages', () => {
  test('stays at the newest while the reader is there', () => {
    expect(settled(atEnd, chatSize - rowsInPane)).toEqual(atEnd)
  })

  test('is held around the reader who leaves the end, so that new messages cannot push the row away', () => {
    const window = settled(atEnd, chatSize - rowsInPane - 5)
    expect(window.around?.id).toBe('m975')
  })

  test('goes back to following when the reader comes back to the end', () => {
    const away = settled(atEnd, 500)
    expect(settled(away, chatSize - rowsInPane)).toEqual(atEnd)
  })

  test('is not taken around a message that still waits for its stamp', () => {
    const cut = pageOf(atEnd)
    for (const each of cut.page.items) each.status = 'pending'
    expect(nextWindow(atEnd, cut.page, viewAt(chatSize - 60, cut))).toBeUndefined()
  })

  test('comes to rest wherever the reader goes, with at most 180 rows and some above and below', () => {
    const place = fc.integer({ min: 0, max: chatSize - rowsInPane })
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 20 }), (places) => {
        let window = atEnd
        for (const first of places) {
          window = settled(window, first)
          const cut = pageOf(window)
          const view = viewAt(first, cut)
          expect(cut.page.items.length).toBeLessThanOrEqual(180)
          expect(view.first).toBe(`m${first}`)
          expect(!cut.page.moreBefore || view.abovePx >= panePx).toBe(true)
          expect(!cut.page.moreAfter || view.belowPx >= panePx).toBe(true)
        }
      }),
    )
  })
})
