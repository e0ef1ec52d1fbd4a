/**
 * The Ed25519 keys that sign access tokens: a set in SQL that all processes share. The newest
 * signs; the ones before verify until the last token they signed has expired (S5).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { toHex } from '@parley/wire'
import type { Context } from '../context.ts'

export interface SigningKey {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
  createdMs: number
}

export interface SigningKeys {
  /** The key that signs, a new one when its time has come. */
  current(): Promise<SigningKey>
  find(kid: string): Promise<SigningKey | undefined>
}

const day = 24 * 60 * 60 * 1000
export const signsForMs = 7 * day
const verifiesForMs = signsForMs + day
/**
 * An unknown kid makes us look whether another process has a new key, but not more often than this.
 */
const reloadEveryMs = 10_000
/** RFC 8410: what stands before the seed in PKCS #8. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

type KeyDeps = Pick<Context, 'sql' | 'clock' | 'random'>

export function openSigningKeys(deps: KeyDeps): SigningKeys {
  let keys: readonly SigningKey[] = []
  let loadedMs = Number.NEGATIVE_INFINITY

  async function reload(): Promise<void> {
    loadedMs = deps.clock.now()
    keys = await loadKeys(deps)
  }
  function newest(): SigningKey | undefined {
    const key = keys[0]
    return key && deps.clock.now() < key.createdMs + signsForMs ? key : undefined
  }
  return {
    async current() {
      if (!newest()) await reload()
      if (!newest()) {
        await createKey(deps)
        await reload()
      }
      const key = newest()
      if (!key) throw new Error('the key that was just made is not there')
      return key
    },
    async find(kid) {
      const known = keys.find((key) => key.kid === kid)
      if (known || deps.clock.now() < loadedMs + reloadEveryMs) return usable(known, deps)
      await reload()
      return keys.find((key) => key.kid === kid)
    },
  }
}

function usable(key: SigningKey | undefined, { clock }: KeyDeps): SigningKey | undefined {
  return key && clock.now() < key.createdMs + verifiesForMs ? key : undefined
}

async function loadKeys({ sql, clock }: KeyDeps): Promise<SigningKey[]> {
  const rows = await sql
    .selectFrom('signing_keys')
    .selectAll()
    .where('created_ms', '>', clock.now() - verifiesForMs)
    .orderBy('created_ms', 'desc')
    .orderBy('kid')
    .execute()
  return rows.map((row) => {
    const key = Buffer.concat([pkcs8Head, row.seed])
    const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
    const publicKey = createPublicKey(privateKey)
    return { kid: row.kid, privateKey, publicKey, createdMs: row.created_ms }
  })
}

async function createKey({ sql, clock, random }: KeyDeps): Promise<void> {
  const now = clock.now()
  const values = { kid: toHex(random(8)), seed: random(32), created_ms: now }
  await sql.insertInto('signing_keys').values(values).execute()
  await sql
    .deleteFrom('signing_keys')
    .where('created_ms', '<=', now - verifiesForMs)
    .execute()
}
