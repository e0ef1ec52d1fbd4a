/** Faults planted on purpose at the ports, to show that the simulation finds such a thing. None of them is in the product. */
import type { Log, NewEntry } from '@parley/server'
import type { ClientSurroundings } from '@parley/sdk'
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
  'weak-random': {
    says: "the clients' randomness repeats after a restart, so session keys do",
    breaks: 'I7',
  },
  'ignored-order': {
    says: 'the log takes what one device sent in another order',
    breaks: 'I3',
  },
} as const satisfies Record<string, { says: string; breaks: InvariantName }>

export type Plant = keyof typeof plants

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

/** The surroundings of a client with the fault in them. */
export function plantInClient(
  surroundings: ClientSurroundings,
  plant: Plant | undefined,
): ClientSurroundings {
  if (plant !== 'weak-random') return surroundings
  let next = 0
  const random = (length: number) => {
    return Uint8Array.from({ length }, () => (next++ * 37 + 11) & 255)
  }
  return { ...surroundings, random }
}
