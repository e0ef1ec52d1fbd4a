/**
 * What has to be looked after while connected: enough fresh prekeys at the server (E9), messages
 * that nobody fetched in time, memory that may go.
 */
import { oneTimePreKeysLow, oneTimePreKeysPerUpload } from '@parley/wire'
import type { PreKeyCounts } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { makePreKeys, uploadOf } from './prekeys.ts'
import { problemOf } from '../problems.ts'
import { retentionMs } from '../retention.ts'
import { readMeta, writeMeta } from '../store/meta.ts'
import { readOverdue, writeFailed } from '../store/messages.ts'
import { deleteOutbox, readOutboxOf } from '../store/outbox.ts'
import { deleteOldPreKeys, takePreKeyIds, writePreKeys } from '../store/prekeys.ts'
import { deleteAnswersBefore } from '../store/resend-answers.ts'

const dayMs = 86_400_000
const rotateAfterMs = 7 * dayMs
/** A message may still be on its way to a key that was replaced. */
const keepReplacedMs = 30 * dayMs
const keepOneTimeMs = retentionMs + keepReplacedMs
const overduePerRound = 256

/**
 * Uploads when the server is low on one-time keys, or when the signed ones are a week old. Rejects
 * when the server cannot be asked.
 */
export async function keepPreKeys(core: Core, force: boolean): Promise<void> {
  const { store, clock } = core
  const rotatedAt = readMeta<number>(store, 'prekeys_rotated_at') ?? 0
  // A clock that ran far ahead once does not put the rotation off for ever.
  const isDue = force || Math.abs(clock.now() - rotatedAt) >= rotateAfterMs
  const counts = await core.api.preKeyCounts()
  const isLow =
    counts.one_time_prekeys < oneTimePreKeysLow || counts.one_time_kyber_prekeys < oneTimePreKeysLow
  if (isDue || isLow) await uploadPreKeys(core, counts)
}

/** Private keys are committed before the server can hand the public ones out (E23). */
async function uploadPreKeys(core: Core, counts: PreKeyCounts): Promise<void> {
  const { store, clock, random } = core
  const account = ownAccount(core)
  const wanted = {
    oneTime: Math.max(0, oneTimePreKeysPerUpload - counts.one_time_prekeys),
    oneTimeKyber: Math.max(0, oneTimePreKeysPerUpload - counts.one_time_kyber_prekeys),
  }
  const firstId = store.transaction(() =>
    takePreKeyIds(store, 2 + wanted.oneTime + wanted.oneTimeKyber),
  )
  const batch = makePreKeys({ identity: account.identity, firstId, wanted, random })
  store.transaction(() => writePreKeys(store, batch, clock.now()))
  try {
    await core.api.uploadPreKeys(uploadOf(batch, account.registrationId))
  } catch (error) {
    // Not uploaded counts as not rotated: the next round makes new ones.
    store.transaction(() => writeMeta(store, 'prekeys_rotated_at', 0))
    throw error
  }
}

/** Local tidying; safe to repeat. */
export function sweep(core: Core): void {
  const { store, clock } = core
  const now = clock.now()
  store.transaction(() => {
    deleteOldPreKeys(store, now - keepReplacedMs, now - keepOneTimeMs)
    deleteAnswersBefore(store, now - retentionMs)
    writeExpired(core)
  })
}

/** I1: what was not delivered before the logs forgot it is said to have failed. */
function writeExpired(core: Core): void {
  const { store, serverClock } = core
  const before = serverClock.now() - retentionMs
  for (const message of readOverdue(store, before, overduePerRound)) {
    const row = readOutboxOf(store, message.id)
    if (row) deleteOutbox(store, row.number)
    writeFailed(store, message.number, problemOf('expired'), message.stamp)
  }
}
