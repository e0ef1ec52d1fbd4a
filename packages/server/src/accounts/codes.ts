/**
 * The first two steps of a registration: a number asks for a one-time code, and proves with it that
 * it is there (S1, S2).
 */
import {
  type AccountId,
  accountIdFromRandom,
  phoneCodeDigits,
  type SignedDeviceList,
} from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { RegistrationTable } from '../backends/sql/sql.ts'
import type { RandomBytes } from '../clock.ts'
import type { Context } from '../context.ts'
import { addressKeys, type Limits } from '../limits.ts'
import { type DevicesDeps, readLists } from './devices.ts'
import { maskPhone, parsePhone } from './phone-numbers.ts'
import { hashOf, newSecret, sameHash } from './secrets.ts'

export const codeLivesMs = 10 * 60 * 1000
export const resendMs = 60 * 1000
const proofLivesMs = 10 * 60 * 1000
const codeTries = 5

export type RegisterDeps = DevicesDeps &
  Pick<Context, 'sms'> & { limits: Limits; defaultCountry: string | undefined }

/**
 * POST /v1/registrations. Asks nothing about the number, so that known and unknown ones look alike
 * (S2).
 */
export async function startRegistration(
  deps: RegisterDeps,
  request: { phone: string; address: string },
): Promise<{ registration: string; phone: string }> {
  const phone = parsePhone(request.phone, deps.defaultCountry)
  takeCodeLimits(deps.limits, phone, request.address)
  const registration = newSecret(deps.random)
  const code = randomDigits(deps.random, phoneCodeDigits)
  const now = deps.clock.now()
  await deps.sql
    .deleteFrom('registrations')
    .where('code_expires_ms', '<', now - proofLivesMs)
    .execute()
  const row: RegistrationTable = {
    id_hash: hashOf(registration),
    phone,
    code_hash: codeHash(registration, code),
    tries_left: codeTries,
    code_expires_ms: now + codeLivesMs,
    proof_hash: null,
    proof_expires_ms: null,
    account: null,
    device: null,
  }
  await deps.sql.insertInto('registrations').values(row).execute()
  await sendCode(deps, phone, code)
  return { registration, phone }
}

function takeCodeLimits(limits: Limits, phone: string, address: string): void {
  const keys = addressKeys(address)
  if (keys) {
    limits.take('codesPerAddress', keys.address)
    limits.take('codesPerSubnet', keys.subnet)
  }
  limits.take('codesPerPhone', phone)
  limits.take('codesGlobally', '')
}

async function sendCode(deps: RegisterDeps, phone: string, code: string): Promise<void> {
  try {
    await deps.sms.sendCode(phone, code)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.name : 'unknown'
    deps.logger.warn({ to: maskPhone(phone), reason }, 'a code could not be sent')
    throw new ApiError('unavailable', { detail: 'The code could not be sent. Try again soon.' })
  }
  deps.metrics.codesSent.inc()
}

/**
 * Salted with the session's id, of which the store has only another hash: a copy of the table tells
 * no code.
 */
function codeHash(registration: string, code: string): string {
  return hashOf('code', registration, code)
}

/** Rejection keeps every code equally likely. */
function randomDigits(random: RandomBytes, digits: number): string {
  const bound = 10 ** digits
  const fair = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const value = new DataView(Uint8Array.from(random(4)).buffer).getUint32(0)
    if (value < fair) return String(value % bound).padStart(digits, '0')
  }
}

export interface Proven {
  proof: string
  account: AccountId
  chain: SignedDeviceList[]
}

/**
 * POST /v1/registrations/{registration}/code. A try is used up before it is looked at, so parallel
 * guesses gain nothing.
 */
export async function proveNumber(
  deps: RegisterDeps,
  request: { registration: string; code: string; address: string },
): Promise<Proven> {
  const keys = addressKeys(request.address)
  if (keys) deps.limits.take('codeGuessesPerAddress', keys.address)
  const row = await readRegistration(deps, request.registration)
  deps.limits.take('codeGuessesPerPhone', row.phone)
  const triesLeft = await useTry(deps, row)
  if (!sameHash(row.code_hash, codeHash(request.registration, request.code))) {
    throw new ApiError(triesLeft > 0 ? 'wrong-code' : 'code-tries-used')
  }
  const proof = newSecret(deps.random)
  const account = await accountOfPhone(deps, row.phone)
  const { numUpdatedRows } = await deps.sql
    .updateTable('registrations')
    .set({
      proof_hash: hashOf(proof),
      proof_expires_ms: deps.clock.now() + proofLivesMs,
      account,
    })
    .where('id_hash', '=', row.id_hash)
    .where('proof_hash', 'is', null)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows !== 1n) throw new ApiError('code-expired')
  return { proof, account, chain: await readLists(deps.sql, { account, after: 0 }) }
}

export async function readRegistration(deps: RegisterDeps, id: string): Promise<RegistrationTable> {
  const row = await deps.sql
    .selectFrom('registrations')
    .selectAll()
    .where('id_hash', '=', hashOf(id))
    .executeTakeFirst()
  if (!row) throw new ApiError('code-expired')
  return row
}

async function useTry(deps: RegisterDeps, row: RegistrationTable): Promise<number> {
  if (row.code_expires_ms <= deps.clock.now()) throw new ApiError('code-expired')
  const updated = await deps.sql
    .updateTable('registrations')
    .set((column) => ({ tries_left: column('tries_left', '-', 1) }))
    .where('id_hash', '=', row.id_hash)
    .where('tries_left', '>', 0)
    .returning('tries_left')
    .executeTakeFirst()
  if (!updated) throw new ApiError('code-tries-used')
  return updated.tries_left
}

/** The account that the number has, or the id that it will have. */
async function accountOfPhone(deps: RegisterDeps, phone: string): Promise<AccountId> {
  const known = await deps.sql
    .selectFrom('accounts')
    .select('id')
    .where('phone', '=', phone)
    .executeTakeFirst()
  return (known?.id as AccountId | undefined) ?? accountIdFromRandom(deps.random(16))
}
