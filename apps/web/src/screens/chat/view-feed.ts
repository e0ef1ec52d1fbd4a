/**
 * Passes on what is in sight, outside of React: it changes with each frame of scrolling, and few
 * parts care.
 */
import type { PaneView } from './message-scroller.ts'

export class ViewFeed {
  latest: PaneView | undefined
  readonly #listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  publish(view: PaneView): void {
    this.latest = view
    for (const listener of this.#listeners) listener()
  }
}
