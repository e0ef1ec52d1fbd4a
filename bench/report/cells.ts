/** The cells of the comparison: what is run against each peer, and which figures are compared. */

export interface Metric {
  /** Key in the rows. */
  key: string
  title: string
  /** How much there was of it says nothing about the peer: it has no ratio. */
  isCount?: boolean
  /** The table leaves its ratio out: it follows from another one. */
  isBare?: boolean
}

export interface Cell {
  /** How `--scenarios` names it. */
  id: string
  title: string
  /** One sentence under the title of its table. */
  says: string
  metrics: readonly Metric[]
}

const users: Metric = { key: 'users', title: 'users', isCount: true }
const rate: Metric = { key: 'rate_per_s', title: 'messages/s' }
const cpu: Metric = { key: 'server_cpu_us', title: 'server CPU µs' }
const memory: Metric = { key: 'rss_mb', title: 'memory MB', isBare: true }
const latencies: readonly Metric[] = [
  { key: 'p50_ms', title: 'p50 ms' },
  { key: 'p99_ms', title: 'p99 ms' },
  { key: 'p999_ms', title: 'p99.9 ms' },
]
const oneWay: readonly Metric[] = [
  { key: 'one_way_p50_ms', title: 'to the receiver, p50 ms' },
  { key: 'one_way_p99_ms', title: 'p99 ms' },
]
const roundTrip: readonly Metric[] = [
  { key: 'p50_ms', title: 'receipt back, p50 ms' },
  { key: 'p99_ms', title: 'p99 ms' },
]
/** Of a full queue: they follow from its length and the rate. */
const queueTimes = latencies.map((metric) => ({ ...metric, isBare: true }))
const logins: Metric = { key: 'logins_per_s', title: 'logins/s' }

const closedLoop =
  'Closed loop, users in pairs: as fast as it goes, so the times are those of a full queue.'

export const cells: readonly Cell[] = [
  {
    id: 'w1',
    title: 'One to one, one message in flight per user',
    says: closedLoop,
    metrics: [users, rate, cpu, ...queueTimes, memory],
  },
  {
    id: 'w8',
    title: 'One to one, eight messages in flight per user',
    says: closedLoop,
    metrics: [users, rate, cpu, ...queueTimes, memory],
  },
  {
    id: 'rate300',
    title: 'One to one at 300 messages a second',
    says: 'Open loop: the times that people would feel. Ours gathers the receipts of some milliseconds before it stores them.',
    metrics: [users, ...oneWay, ...roundTrip, cpu],
  },
  {
    id: 'rate1000',
    title: 'One to one at 1,000 messages a second',
    says: 'Open loop, for peers that can take as many.',
    metrics: [users, ...oneWay, ...roundTrip, cpu],
  },
  {
    id: 'idle',
    title: 'Idle sessions',
    says: 'Users log in, 64 at a time, and stay; the server is weighed before and after.',
    metrics: [
      { key: 'sessions', title: 'sessions', isCount: true },
      { key: 'kb_per_session', title: 'KB per session' },
      { key: 'base_rss_mb', title: 'empty server MB' },
      { key: 'logins_per_s', title: 'logins/s, 64 at once' },
      { key: 'server_cpu_us_per_login', title: 'server CPU µs per login' },
    ],
  },
  {
    id: 'login-storm',
    title: 'Login storm',
    says: 'All connections end, and everybody comes back at once.',
    metrics: [logins, { key: 'server_cpu_us', title: 'server CPU µs per login' }],
  },
  {
    id: 'offline',
    title: 'Offline store and drain',
    says: 'Messages to users who are away, each acknowledged; then all of them log in.',
    metrics: [
      { key: 'messages', title: 'messages', isCount: true },
      { key: 'store_per_s', title: 'stored/s' },
      { key: 'drain_per_s', title: 'drained/s' },
      { key: 'server_cpu_us', title: 'server CPU µs' },
    ],
  },
  {
    id: 'kill',
    title: 'Killed under load',
    says: 'SIGKILL, restart on the same disk: what was acknowledged and never reaches its receiver.',
    metrics: [
      { key: 'accepted', title: 'acknowledged', isCount: true },
      { key: 'lost', title: 'lost', isCount: true },
      { key: 'restart_ms', title: 'restart ms' },
    ],
  },
]
