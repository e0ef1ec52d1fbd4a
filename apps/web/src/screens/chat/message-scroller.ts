/**
 * Keeps the message pane still: whatever is mounted, removed or resized, the row that is being read
 * stays where it is, or the end stays in view. Rows are elements with `data-message`.
 */

export interface PaneView {
  /** Ids of the first row in sight, and of the last that is in sight as a whole. */
  first: string | undefined
  last: string | undefined
  /** How far the first row begins below the top of the pane. */
  firstTopPx: number
  abovePx: number
  belowPx: number
  paneHeightPx: number
}

interface Anchor {
  id: string
  topPx: number
}

/** A pane this close to its end follows it. */
const endSlackPx = 32
/** So many rows in sight are remembered, in case the first of them goes away. */
const anchorsMax = 24

export class MessageScroller {
  readonly #pane: HTMLElement
  readonly #column: HTMLElement
  readonly #onView: (view: PaneView) => void
  readonly #resize: ResizeObserver
  #anchors: Anchor[] = []
  #anchoredAtPx = 0
  #isFollowing = true
  #frame = 0
  readonly #onScroll = () => this.#handleScroll()

  constructor(pane: HTMLElement, column: HTMLElement, onView: (view: PaneView) => void) {
    this.#pane = pane
    this.#column = column
    this.#onView = onView
    this.#resize = new ResizeObserver(() => this.settle())
    this.#resize.observe(pane)
    this.#resize.observe(column)
    pane.addEventListener('scroll', this.#onScroll, { passive: true })
  }

  get isFollowing(): boolean {
    return this.#isFollowing
  }

  /** Puts everything back in its place; after each change of the rows, before they are painted. */
  settle(): void {
    const hasLeftTheEnd = this.#isFollowing && this.#unreportedPx() < -endSlackPx
    if (this.#isFollowing && !hasLeftTheEnd) this.#toEnd()
    else this.#restore()
    this.#reportSoon()
  }

  /** Goes to the end and stays there. */
  follow(): void {
    this.#isFollowing = true
    this.#toEnd()
    this.#reportSoon()
  }

  /** Puts a row at a distance below the top of the pane. */
  place(id: string, topPx: number): void {
    this.#isFollowing = false
    this.#anchors = [{ id, topPx }]
    this.#anchoredAtPx = this.#pane.scrollTop
    this.settle()
    this.#handleScroll()
  }

  [Symbol.dispose](): void {
    this.#resize.disconnect()
    this.#pane.removeEventListener('scroll', this.#onScroll)
    cancelAnimationFrame(this.#frame)
  }

  #toEnd(): void {
    this.#pane.scrollTop = this.#pane.scrollHeight
    this.#remember()
  }

  #restore(): void {
    const movedPx = this.#unreportedPx()
    for (const { id, topPx } of this.#anchors) {
      const row = this.#column.querySelector<HTMLElement>(`[data-message="${id}"]`)
      if (row === null) continue
      const wanted = row.offsetTop - topPx + movedPx
      if (Math.abs(wanted - this.#pane.scrollTop) >= 1) this.#pane.scrollTop = wanted
      this.#remember()
      return
    }
  }

  /**
   * What the reader scrolled since the anchors were taken: rows may change between a scroll and its
   * event. At the very end it may as well be the browser's doing, because rows went away.
   */
  #unreportedPx(): number {
    const wasClamped = this.#belowPx() < 1 && this.#pane.scrollTop < this.#anchoredAtPx
    return wasClamped ? 0 : this.#pane.scrollTop - this.#anchoredAtPx
  }

  #remember(): void {
    this.#anchors = this.#rowsInSight().map((row) => ({ id: idOf(row), topPx: this.#topOf(row) }))
    this.#anchoredAtPx = this.#pane.scrollTop
  }

  #handleScroll(): void {
    this.#isFollowing = this.#belowPx() <= endSlackPx
    this.#remember()
    this.#reportSoon()
  }

  #reportSoon(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = requestAnimationFrame(() => this.#report())
  }

  #report(): void {
    const rows = this.#rowsInSight()
    const [first] = rows
    const paneHeightPx = this.#pane.clientHeight
    const whole = rows.filter((row) => this.#topOf(row) + row.offsetHeight <= paneHeightPx + 1)
    const last = whole.at(-1) ?? rows.at(-1)
    this.#onView({
      first: first && idOf(first),
      last: last && idOf(last),
      firstTopPx: first === undefined ? 0 : this.#topOf(first),
      abovePx: this.#pane.scrollTop,
      belowPx: this.#belowPx(),
      paneHeightPx,
    })
  }

  #belowPx(): number {
    return this.#pane.scrollHeight - this.#pane.scrollTop - this.#pane.clientHeight
  }

  #topOf(row: HTMLElement): number {
    return row.offsetTop - this.#pane.scrollTop
  }

  #rowsInSight(): HTMLElement[] {
    const rows = this.#column.querySelectorAll<HTMLElement>('[data-message]')
    const start = firstEndingBelow(rows, this.#pane.scrollTop)
    const end = this.#pane.scrollTop + this.#pane.clientHeight
    const inSight: HTMLElement[] = []
    for (let index = start; index < rows.length && inSight.length < anchorsMax; index++) {
      const row = rows[index]
      if (row === undefined || row.offsetTop >= end) break
      inSight.push(row)
    }
    return inSight
  }
}

/** Rows stand in order, so halving finds the first one that ends below the top. */
function firstEndingBelow(rows: NodeListOf<HTMLElement>, topPx: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    const row = rows[middle]
    if (row !== undefined && row.offsetTop + row.offsetHeight > topPx) high = middle
    else low = middle + 1
  }
  return low
}

function idOf(row: HTMLElement): string {
  return row.dataset.message ?? ''
}
