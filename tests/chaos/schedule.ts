/** Which fault happens when: a function of the seed and the length, never of the machine. */
import { SimRandom } from '@parley/testkit'
import type { Mutilation } from './frame-walk.ts'
import type { HalfOpen } from './proxy.ts'

/** `share`: of the connections, 0 to 1. */
export type Fault =
  | { kind: 'kill' }
  | { kind: 'pause'; forMs: number }
  | { kind: 'full-disk'; forMs: number }
  | { kind: 'clock'; offsetMs: number }
  | { kind: 'cut'; share: number }
  | { kind: 'half-open'; share: number; which: HalfOpen }
  | { kind: 'mutilate'; share: number; how: Mutilation }
  | { kind: 'kill-client'; which: number }

export type Happening = Fault & { atMs: number }

export interface ScheduleOptions {
  seed: number
  loadMs: number
  /** Of the server. */
  kills: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const perMinute = {
  pause: 1,
  'full-disk': 0.5,
  clock: 1,
  cut: 4,
  'half-open': 2,
  mutilate: 6,
  'kill-client': 1.5,
} as const
const perRunLeast = 2
/**
 * A request to send again what was broken is repeated after ten minutes only, should it be broken
 * as well: late in a run ciphertexts are spared.
 */
const ciphertextShare = 0.4
/**
 * From the true time. Ahead by no more than it takes an access token to expire: while a clock that
 * was ahead is behind its log, a chat has stamps for 5,000 messages (W13).
 */
const clockSteps = [-hourMs, -10 * minuteMs, -4_000, -300, 0, 0, 700, 7_000, 16 * minuteMs]

/** In the order of their times. */
export function scheduleOf({ kills, loadMs, seed }: ScheduleOptions): Happening[] {
  const random = new SimRandom(seed)
  const happenings = spread('kill', kills, loadMs, random.fork())
  for (const [kind, each] of Object.entries(perMinute)) {
    const count = Math.max(perRunLeast, Math.round((loadMs / minuteMs) * each))
    happenings.push(...spread(kind as Fault['kind'], count, loadMs, random.fork()))
  }
  return happenings.toSorted((left, right) => left.atMs - right.atMs)
}

/** Each somewhere in a span of its own. */
function spread(
  kind: Fault['kind'],
  count: number,
  loadMs: number,
  random: SimRandom,
): Happening[] {
  const spanMs = loadMs / count
  return Array.from({ length: count }, (_, index) => {
    const atMs = Math.floor((index + random.below(1_000) / 1_000) * spanMs)
    return { atMs, ...faultOf(kind, { random, late: atMs > loadMs * ciphertextShare }) }
  })
}

function faultOf(
  kind: Fault['kind'],
  { late, random }: { random: SimRandom; late: boolean },
): Fault {
  const share = random.pick([0.05, 0.2, 0.5, 1])
  switch (kind) {
    case 'kill':
      return { kind }
    case 'pause':
      return { kind, forMs: random.pick([100, 700, 2_000, 6_000, 12_000]) }
    case 'full-disk':
      return { kind, forMs: random.between(500, 6_000) }
    case 'clock':
      return { kind, offsetMs: random.pick(clockSteps) }
    case 'cut':
      return { kind, share }
    case 'half-open': {
      const which = random.pick<HalfOpen>(['client-stays', 'server-stays', 'both-stay'])
      return { kind, share: Math.min(share, 0.5), which }
    }
    case 'mutilate': {
      const all: Mutilation[] = late ? ['header', 'frame'] : ['header', 'frame', 'ciphertext']
      const how = random.pick(all)
      return { kind, share: how === 'ciphertext' ? 0.2 : share, how }
    }
    case 'kill-client':
      return { kind, which: random.word() }
  }
}
