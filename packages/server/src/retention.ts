/** Trims the logs by age, an hour apart (L8). */
import { positionAt } from '@parley/wire'
import type { Context } from './context.ts'

const everyMs = 60 * 60 * 1000
const dayMs = 24 * 60 * 60 * 1000

/**
 * The first time an hour after the start, so that a start costs nothing. The returned function ends
 * it.
 */
export function startRetention(
  deps: Pick<Context, 'log' | 'clock' | 'logger'>,
  retentionDays: number,
): () => void {
  const { log, clock, logger } = deps
  let stopped = false
  let cancel = clock.after(everyMs, trim)

  function trim(): void {
    const before = positionAt(clock.now() - retentionDays * dayMs)
    const trimmed = log.trim(before).catch((error: unknown) => {
      logger.warn(
        { reason: error instanceof Error ? error.name : 'unknown' },
        'no trim of the logs',
      )
    })
    void trimmed.then(() => {
      if (!stopped) cancel = clock.after(everyMs, trim)
    })
  }

  return () => {
    stopped = true
    cancel()
  }
}
