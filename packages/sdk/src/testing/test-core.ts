/**
 * For tests: what the parts of the engine share, with an account on tables in memory and no server.
 */
import { generateKeyPair } from '@parley/crypto'
import { nobleCurve } from '@parley/crypto/reference'
import { Api } from '../http/api.ts'
import type { Core } from '../core.ts'
import type { Clock } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { bunTransport } from '../platform/transport.bun.ts'
import { createServerClock } from '../connection/server-clock.ts'
import { writeAccount } from '../store/account.ts'
import { Tasks } from '../tasks.ts'
import { memoryStore, own, testDevice } from './test-store.ts'
import { Turns } from '../turns.ts'

const nowhere = 'http://127.0.0.1:1'

export function memoryCore(clock: Clock): Core {
  const store = memoryStore()
  const random = systemRandom
  const core: Core = {
    store,
    clock,
    serverClock: createServerClock(clock),
    random,
    curve: nobleCurve,
    api: new Api({ server: nowhere, transport: bunTransport, clock, random, store }),
    turns: new Turns(),
    tasks: new Tasks(clock, (error) => {
      throw error
    }),
    recordEvents: true,
    observeMessageKey: () => {},
  }
  const account = {
    server: nowhere,
    account: own,
    device: testDevice(1),
    deviceNumber: 1,
    phone: '',
    name: '',
    profileVersion: 1,
    identity: generateKeyPair(random),
    registrationId: 1,
    status: 'registered' as const,
    relinkNeeded: false,
  }
  writeAccount(store, account, { accessToken: '', accessExpiresAtMs: 0, refreshToken: '' })
  return core
}
