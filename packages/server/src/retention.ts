/**
 * Trims the logs by age, an hour apart (L8), and only by a clock that can be believed (L9): what is
 * trimmed does not come back, and what is trimmed later costs some disk.
 */
import { positionAt } from '@parley/wire'
import type { Sql } from './backends/sql/sql.ts'
import type { Context } from './context.ts'

const everyMs = 60 * 60 * 1000
const dayMs = 24 * 60 * 60 * 1000
/** A server that was away for longer, or whose clock says so, waits before it trims. */
const awayMsMax = 7 * dayMs
/** Hours in which the clock has to run evenly after a jump. An operator reads warnings by then. */
const roundsAfterJump = 72
const stateName = 'trimmed_at_ms'

type RetentionDeps = Pick<Context, 'log' | 'clock' | 'logger' | 'sql'>

/**
 * The first time an hour after the start, so that a start costs nothing. The returned function ends
 * it.
 */
export function startRetention(deps: RetentionDeps, retentionDays: number): () => void {
  const { log, clock, logger, sql } = deps
  const isBelieved = openJudgement(deps)
  let stopped = false
  let cancel = clock.after(everyMs, round)

  async function trim(): Promise<void> {
    const nowMs = clock.now()
    if (!(await isBelieved(nowMs)) || stopped) return
    await log.trim(positionAt(nowMs - retentionDays * dayMs))
    if (!stopped) await writeTrimmedAt(sql, nowMs)
  }

  function round(): void {
    const trimmed = trim().catch((error: unknown) => {
      logger.warn(
        { reason: error instanceof Error ? error.name : 'unknown' },
        'no trim of the logs',
      )
    })
    void trimmed.then(() => {
      if (!stopped) cancel = clock.after(everyMs, round)
    })
  }

  return () => {
    stopped = true
    cancel()
  }
}

/**
 * Timers run evenly whatever is done to the clock: between two rounds it may move on by an hour,
 * and by little more than that.
 */
function openJudgement({ sql, logger }: RetentionDeps): (nowMs: number) => Promise<boolean> {
  let beforeMs: number | undefined
  let roundsLeft = 0
  return async (nowMs) => {
    const latestMs =
      beforeMs === undefined ? await latestAfterStart(sql, nowMs) : beforeMs + 2 * everyMs
    beforeMs = nowMs
    if (nowMs > latestMs) {
      roundsLeft = roundsAfterJump
      const aheadDays = Math.ceil((nowMs - latestMs) / dayMs)
      logger.warn(
        { aheadDays, hours: roundsAfterJump },
        'the clock is ahead of when the server last trimmed; if it is wrong, set it: nothing is trimmed for some hours',
      )
    } else if (roundsLeft > 0) {
      roundsLeft--
    }
    return roundsLeft === 0
  }
}

async function latestAfterStart(sql: Sql, nowMs: number): Promise<number> {
  const row = await sql
    .selectFrom('server_state')
    .select('value')
    .where('name', '=', stateName)
    .executeTakeFirst()
  return row ? Number(row.value) + awayMsMax : nowMs
}

async function writeTrimmedAt(sql: Sql, nowMs: number): Promise<void> {
  const value = String(nowMs)
  await sql
    .insertInto('server_state')
    .values({ name: stateName, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}
