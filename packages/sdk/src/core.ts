/**
 * What the parts of the engine share: store, clocks, randomness, the server's HTTP side, and the
 * order of work per person.
 */
import type { Curve25519, LocalIdentity } from '@parley/crypto'
import type { ServerClock } from './connection/server-clock.ts'
import type { Api } from './http/api.ts'
import { parleyError } from './problems.ts'
import type { Clock, RandomBytes, SqlDriver, Transport } from './platform/ports.ts'
import { readAccount } from './store/account.ts'
import type { Account } from './store/account.ts'
import type { Store } from './store/store.ts'
import type { Tasks } from './tasks.ts'
import type { Turns } from './turns.ts'

/** What surrounds one profile; client.bun.ts and rpc/worker.browser.ts make it. */
export interface ClientSurroundings {
  driver: SqlDriver
  clock: Clock
  random: RandomBytes
  transport: Transport
  curve: Curve25519
  /** Origin of the server, like `http://127.0.0.1:8080`. */
  server: string
  /** Keep events for `events()`; a program that never calls it says false. */
  recordEvents: boolean
  /** Sees the name of each message key that encrypted something; for the simulator. */
  observeMessageKey: ((messageKeyId: string) => void) | undefined
}

export interface Core {
  store: Store
  clock: Clock
  serverClock: ServerClock
  random: RandomBytes
  curve: Curve25519
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
  return { random: core.random, nowMs: core.clock.now(), curve: core.curve }
}
