/**
 * What the parts of the engine share: store, clocks, randomness, the server's HTTP side, and the
 * order of work per person.
 */
import type { DiffieHellman, LocalIdentity } from '@parley/crypto'
import type { Api, ServerClock } from './engine-ports.ts'
import { parleyError } from './problems.ts'
import type { Clock, RandomBytes } from './platform/ports.ts'
import { readAccount } from './store/account.ts'
import type { Account } from './store/account.ts'
import type { Store } from './store/store.ts'
import type { Tasks } from './tasks.ts'
import type { Turns } from './turns.ts'

export interface Core {
  store: Store
  clock: Clock
  serverClock: ServerClock
  random: RandomBytes
  dh: DiffieHellman
  api: Api
  /** By account id of the person whose ratchets are stepped. */
  turns: Turns
  tasks: Tasks
  recordEvents: boolean
  observeMessageKey: (messageKeyId: string) => void
}

/** Throws ParleyError `not-registered`. */
export function ownAccount(core: Core): Account {
  const account = readAccount(core.store)
  if (!account) throw parleyError('not-registered')
  return account
}

export function localIdentity(account: Account): LocalIdentity {
  return {
    address: { account: account.account, device: account.deviceNumber },
    identity: account.identity,
    registrationId: account.registrationId,
  }
}

/** For each function with a Diffie-Hellman step. */
export function surroundings(core: Core) {
  return { random: core.random, nowMs: core.clock.now(), dh: core.dh }
}
