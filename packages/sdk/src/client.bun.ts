/**
 * Opens a client under Bun: a folder per profile, one owner per folder. For the command line, bots
 * and tests.
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bunCurve } from '@parley/crypto/bun'
import { openClient } from './client.ts'
import { systemClock } from './platform/clock.ts'
import { lockProfile } from './platform/lock.bun.ts'
import { systemRandom } from './platform/random.ts'
import { bunTransport } from './platform/transport.bun.ts'
import { asParleyError } from './problems.ts'
import { writeJournalAgain } from './store/journal.bun.ts'
import { openBunDriver } from './store/sqlite.bun.ts'
import type { Client } from './types.ts'

export interface BunClientOptions {
  /** Of the profile; made when it is not there, readable by its owner alone. */
  folder: string
  /** Origin of the server, like `http://127.0.0.1:8080`. */
  server: string
  /** A program that never asks for `events` says false. */
  recordEvents?: boolean
  /** How long to wait for another process that has the profile; not at all when left out. */
  waitMs?: number
  waiting?: () => void
}

/** Throws ParleyError: profile-busy, store-corrupt, store-newer, disk-full, no-crypto. */
export async function openBunClient(options: BunClientOptions): Promise<Client> {
  const { folder, recordEvents = true, server, waiting = () => {}, waitMs = 0 } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = await lockProfile({ folder, clock: systemClock, waitMs, waiting })
  try {
    const client = openProfile(join(folder, 'parley.db'), server, recordEvents)
    const dispose = async () => {
      await client[Symbol.asyncDispose]()
      lock.release()
    }
    return { ...client, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    lock.release()
    throw asParleyError(error)
  }
}

function openProfile(path: string, server: string, recordEvents: boolean): Client {
  const driver = openPrivateDriver(path)
  try {
    return openClient({
      driver,
      clock: systemClock,
      random: systemRandom,
      transport: bunTransport,
      curve: bunCurve,
      server,
      recordEvents,
      observeMessageKey: undefined,
    })
  } catch (error) {
    driver.close()
    throw error
  }
}

/**
 * It holds private keys: nobody else on the machine may read it, nor the journals, which take their
 * rights from it.
 */
function openPrivateDriver(path: string) {
  writeJournalAgain(path)
  const driver = openBunDriver(path)
  chmodSync(path, 0o600)
  return driver
}
