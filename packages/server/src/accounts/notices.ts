/**
 * Tells an account's inbox that its device list changed. The note to do so is written with the
 * list, so that a crash in between only delays it.
 */
import { type AccountId, encodeEntryBody, inboxOf } from '@parley/wire'
import { LogUnavailable } from '../backends/log/log.ts'
import type { PendingNoticeTable } from '../backends/sql/sql.ts'
import type { Context } from '../context.ts'

type NoticeDeps = Pick<Context, 'sql' | 'log' | 'logger'>

const noticesPerRun = 256

/**
 * Appends the notice of one account. What the log does not take stays for the next change or start.
 */
export async function sendNotice(deps: NoticeDeps, account: AccountId): Promise<void> {
  const due = await deps.sql
    .selectFrom('pending_notices')
    .selectAll()
    .where('account', '=', account)
    .executeTakeFirst()
  if (due) await append(deps, due)
}

/** At the start: what a crash left over. An entry may come twice. */
export async function sendLeftNotices(deps: NoticeDeps): Promise<void> {
  for (;;) {
    const due = await deps.sql
      .selectFrom('pending_notices')
      .selectAll()
      .limit(noticesPerRun)
      .execute()
    for (const notice of due) {
      if (!(await append(deps, notice))) return
    }
    if (due.length < noticesPerRun) return
  }
}

async function append(
  { sql, log, logger }: NoticeDeps,
  { account, version }: PendingNoticeTable,
): Promise<boolean> {
  try {
    const body = encodeEntryBody({ kind: 'devices', version })
    await log.append(inboxOf(account as AccountId), { origin: undefined, body })
  } catch (error) {
    if (!(error instanceof LogUnavailable)) throw error
    logger.warn({ reason: error.reason }, 'a notice of a device list waits for the log')
    return false
  }
  await sql
    .deleteFrom('pending_notices')
    .where('account', '=', account)
    .where('version', '=', version)
    .execute()
  return true
}
