/**
 * Every rate limit of the server in one table, and the counter behind it. Each is a bucket that
 * holds `burst` and gets one back per `refillMs`. The counter is our own because the limits are
 * stated as buckets with a clock that tests and the simulator drive; rate-limiter-flexible counts
 * fixed windows by the system's clock, and keeps every key.
 */
import { ApiError } from './api-error.ts'
import type { Clock } from './clock.ts'
import type { Metrics } from './metrics.ts'

interface Limit {
  burst: number
  /** How long until one more is allowed. */
  refillMs: number
  /** What the client is told. */
  refusal: 'too-many-requests' | 'lookup-budget'
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const requests = (burst: number, refillMs: number): Limit => ({
  burst,
  refillMs,
  refusal: 'too-many-requests',
})

/** S2, S10, S11: the key of each stands in its name. */
export const limitTable = {
  codesPerPhone: requests(5, 10 * minute),
  codesPerAddress: requests(6, 30 * second),
  codesPerSubnet: requests(60, 5 * second),
  codesGlobally: requests(1_000, 50),
  /** Guesses over all sessions of a number; a session itself allows five (S1). */
  codeGuessesPerPhone: requests(20, 5 * minute),
  codeGuessesPerAddress: requests(60, 10 * second),
  /** Each is a new login. */
  deviceRegistrationsPerPhone: requests(6, 30 * second),
  deviceRegistrationsPerAddress: requests(60, 10 * second),
  tokensPerAddress: requests(300, second),
  nonceGlobally: requests(10_000, 5),
  listHandInsPerAddress: requests(300, second),
  deviceChangesPerAccount: requests(6, 2 * minute),
  preKeyUploadsPerDevice: requests(10, minute),
  bundlesPerPair: requests(6, 10 * minute),
  deviceListsPerAccount: requests(600, second),
  lookupsPerAccount: requests(300, 10 * second),
  lookupsPerAddress: requests(1_000, 10 * second),
  /** Logs that a device never wrote to. */
  newConversationsPerAccount: requests(60, second),
  /** Messages are not counted: bots may send many. */
  sentKibPerAccount: requests(32 * 1024, 2),
  newNumbersPerAccount: { burst: 100, refillMs: day / 100, refusal: 'lookup-budget' },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof limitTable

/** The least recently used key of a limit goes when there are more than this. */
const keysPerLimitMax = 100_000

export interface Limits {
  /** Counts one, or so many; or throws the limit's refusal with the time to wait. */
  take(limit: LimitName, key: string, count?: number): void
}

/** For benchmarks and test beds, where one address is everybody. */
export const noLimits: Limits = { take() {} }

/** Generic cell rate: per key only the time at which its bucket is full again. */
export function openLimits(deps: { clock: Clock; metrics: Metrics }): Limits {
  const fullAt = new Map<LimitName, Map<string, number>>()
  return {
    take(name, key, count = 1) {
      const limit: Limit = limitTable[name]
      const now = deps.clock.now()
      const keys = fullAt.get(name) ?? new Map<string, number>()
      fullAt.set(name, keys)
      const burstMs = limit.burst * limit.refillMs
      // A clock that was set back gives a full bucket, never a long wait.
      const known = keys.get(key) ?? now
      const full = known > now && known <= now + burstMs ? known : now
      const next = full + count * limit.refillMs
      const waitMs = next - now - burstMs
      if (waitMs > 0) {
        deps.metrics.refusedByLimit.inc({ limit: name })
        throw new ApiError(limit.refusal, { retryAfterMs: waitMs })
      }
      keys.delete(key)
      keys.set(key, next)
      if (keys.size > keysPerLimitMax) evictOldest(keys)
    },
  }
}

function evictOldest(keys: Map<string, number>): void {
  for (const oldest of keys.keys()) {
    keys.delete(oldest)
    return
  }
}

/**
 * The keys under which an address counts: itself, and the network that one customer usually has.
 * Undefined for loopback, which tells nobody apart: it is the machine itself, or a proxy that was
 * not declared.
 */
export function addressKeys(address: string): { address: string; subnet: string } | undefined {
  const [zoneless = ''] = address.split('%', 1)
  const plain = zoneless.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
  if (plain === '::1' || plain.startsWith('127.')) return undefined
  if (!plain.includes(':')) {
    return { address: plain, subnet: plain.split('.').slice(0, 3).join('.') }
  }
  const groups = expandIpv6(plain)
  return { address: groups.slice(0, 4).join(':'), subnet: groups.slice(0, 3).join(':') }
}

/** The network alone, for logs (S14). */
export function maskAddress(address: string): string {
  const keys = addressKeys(address)
  return keys ? `${keys.subnet}…` : 'loopback'
}

function expandIpv6(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const missing = Math.max(0, 8 - left.length - right.length)
  const zeros = tail === undefined ? [] : Array<string>(missing).fill('0')
  return [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, ''))
}
