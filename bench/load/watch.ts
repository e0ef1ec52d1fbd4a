/** How a long run is followed on a terminal, and how it is stopped. */

export interface Watch {
  /** Ctrl-C: end with what there is. */
  readonly signal: AbortSignal
  /** What comes now; in a few words. */
  begin(what: string): void
  /** How far it is; shown a few times a second at most. */
  show(done: number, of: number): void
}

const redrawMs = 200
const clearLine = '\r\u001b[K'

/** Shows nothing but on a terminal. */
export function openWatch(
  signal: AbortSignal,
  terminal: { isTTY?: boolean; write(text: string): unknown },
) {
  let [what, startedAtMs, drawnAtMs] = ['', 0, 0]
  const isShown = terminal.isTTY === true
  return {
    signal,
    begin(next: string): void {
      what = next
      startedAtMs = performance.now()
      drawnAtMs = 0
      this.show(0, 0)
    },
    show(done: number, of: number): void {
      const nowMs = performance.now()
      if (!isShown || nowMs - drawnAtMs < redrawMs) return
      drawnAtMs = nowMs
      const share = of > 0 ? Math.min(1, done / of) : 0
      const leftS = share > 0 ? ((nowMs - startedAtMs) * (1 / share - 1)) / 1000 : undefined
      const far = of > 0 ? `: ${Math.floor(share * 100)} %` : ''
      const left = leftS === undefined ? '' : `, ${Math.ceil(leftS)} s left`
      terminal.write(`${clearLine}${what}${far}${left}`)
    },
    clear(): void {
      if (isShown) terminal.write(clearLine)
    },
  }
}

interface Waiting {
  minS: number
  maxS: number
  done: () => boolean
  /** How far it is, if that is not how much of `minS` has passed. */
  progress?: () => { done: number; of: number }
}

const lookEveryMs = 10

/**
 * Waits until `done`, at least `minS` and at most `maxS` seconds, or until the run is stopped;
 * returns whether it was done.
 */
export async function waitUntil(
  watch: Watch,
  { minS, maxS, done, progress }: Waiting,
): Promise<boolean> {
  const startedAtMs = performance.now()
  for (;;) {
    const elapsedS = (performance.now() - startedAtMs) / 1000
    const far = progress?.() ?? { done: elapsedS, of: minS }
    watch.show(far.done, far.of)
    if (elapsedS >= minS && (done() || elapsedS >= maxS)) return done()
    if (watch.signal.aborted) return false
    await Bun.sleep(lookEveryMs)
  }
}
