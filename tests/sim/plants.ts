/**
 * Faults planted on purpose at the ports, to show that the simulation finds such a thing. None of
 * them is in the product.
 */
import type { Log, NewEntry } from '@parley/server'
import { SimRandom } from '@parley/testkit'
import type { SimDisk } from '@parley/testkit'
import type { LogId } from '@parley/wire'
import type { InvariantName } from './invariants.ts'

export const plants = {
  'ack-before-durable': {
    says: 'append answers before the entry is durable, so a crash loses it',
    breaks: 'I1',
  },
  'lost-entries': {
    says: 'the log drops one entry in twenty that it said it has',
    breaks: 'I1',
  },
  'repeated-random': {
    says: "a client's randomness starts over with its process, so its keys come again",
    breaks: 'I7',
  },
  'synchronous-off': {
    says: 'the log does not wait for the disk, so a power cut loses what was accepted',
    breaks: 'I1',
  },
  'skipped-fsync': {
    says: 'the disk says that it has synced and has not',
    breaks: 'I1',
  },
  'trusted-journal': {
    says: 'a server takes what a process before it left in the cache for synced',
    breaks: 'I5',
  },
  'swapped-entries': {
    says: 'the log now and then stores two entries of one device in the other order',
    breaks: 'I1',
  },
} as const satisfies Record<string, { says: string; breaks: InvariantName }>

export type Plant = keyof typeof plants

export function plantInDisk(disk: SimDisk, plant: Plant | undefined): void {
  if (plant === 'skipped-fsync') disk.skipsSyncs = true
}

/** The log with the fault in it. `later` runs after simulated time. */
export function plantInLog(
  log: Log,
  plant: Plant | undefined,
  later: (delayMs: number, run: () => void) => void,
): Log {
  switch (plant) {
    case 'ack-before-durable':
      return withAppend(log, (id, entry) => {
        later(400, () => void log.append(id, entry).catch(() => {}))
        return Promise.resolve()
      })
    case 'lost-entries': {
      let count = 0
      return withAppend(log, (id, entry) => {
        count++
        return count % 20 === 0 ? Promise.resolve() : log.append(id, entry)
      })
    }
    case 'swapped-entries': {
      let count = 0
      return withAppend(log, async (id, entry) => {
        count++
        if (count % 10 === 0) await new Promise<void>((resolve) => later(200, resolve))
        return log.append(id, entry)
      })
    }
    default:
      return log
  }
}

function withAppend(log: Log, append: (id: LogId, entry: NewEntry) => Promise<void>): Log {
  return {
    append,
    read: (...input) => log.read(...input),
    heads: (...input) => log.heads(...input),
    follow: (...input) => log.follow(...input),
    commit: (...input) => log.commit(...input),
    cursors: (...input) => log.cursors(...input),
    lastSequence: (...input) => log.lastSequence(...input),
    trim: (...input) => log.trim(...input),
  }
}

/**
 * The randomness of a client's process with the fault in it. `ofDevice` is the same at each start
 * of the device.
 */
export function plantInRandom(
  random: SimRandom,
  ofDevice: number,
  plant: Plant | undefined,
): SimRandom {
  return plant === 'repeated-random' ? new SimRandom(ofDevice) : random
}
