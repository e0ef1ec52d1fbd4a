/** The cells of the comparison: what is run against each peer, and which figures are compared. */

export interface Metric {
  /** Key in the rows. */
  key: string
  title: string
  better: 'more' | 'less'
}

export interface Cell {
  /** How `--scenarios` names it. */
  id: string
  title: string
  /** One sentence under the title of its table. */
  says: string
  metrics: readonly Metric[]
}

const rate: Metric = { key: 'rate_per_s', title: 'messages/s', better: 'more' }
const cpu: Metric = { key: 'server_cpu_us', title: 'server CPU µs', better: 'less' }
const memory: Metric = { key: 'rss_mb', title: 'memory MB', better: 'less' }
const latencies: readonly Metric[] = [
  { key: 'p50_ms', title: 'p50 ms', better: 'less' },
  { key: 'p99_ms', title: 'p99 ms', better: 'less' },
  { key: 'p999_ms', title: 'p99.9 ms', better: 'less' },
]
const logins: Metric = { key: 'logins_per_s', title: 'logins/s', better: 'more' }

export const cells: readonly Cell[] = [
  {
    id: 'w1',
    title: 'One to one, one message in flight per user',
    says: 'Closed loop, 1,000 users in pairs: as fast as it goes; the times are those of a full queue.',
    metrics: [rate, cpu, ...latencies, memory],
  },
  {
    id: 'w8',
    title: 'One to one, eight messages in flight per user',
    says: 'Closed loop, 1,000 users in pairs: as fast as it goes; the times are those of a full queue.',
    metrics: [rate, cpu, ...latencies, memory],
  },
  {
    id: 'rate300',
    title: 'One to one at 300 messages a second',
    says: 'Open loop: the time that a person would feel, from sending to having the receipt.',
    metrics: [rate, ...latencies, cpu],
  },
  {
    id: 'rate1000',
    title: 'One to one at 1,000 messages a second',
    says: 'Open loop, for peers that can take as many.',
    metrics: [rate, ...latencies, cpu],
  },
  {
    id: 'idle',
    title: 'Idle sessions',
    says: 'Users log in and stay; the server is weighed before and after.',
    metrics: [
      { key: 'sessions', title: 'sessions', better: 'more' },
      { key: 'kb_per_session', title: 'KB per session', better: 'less' },
      { key: 'base_rss_mb', title: 'empty server MB', better: 'less' },
    ],
  },
  {
    id: 'login-storm',
    title: 'Login storm',
    says: 'Everybody comes back at once.',
    metrics: [logins, { key: 'server_cpu_us', title: 'server CPU µs per login', better: 'less' }],
  },
  {
    id: 'offline',
    title: 'Offline store and drain',
    says: 'Messages to users who are away, each acknowledged; then all of them log in.',
    metrics: [
      { key: 'messages', title: 'messages', better: 'more' },
      { key: 'store_per_s', title: 'stored/s', better: 'more' },
      { key: 'drain_per_s', title: 'drained/s', better: 'more' },
    ],
  },
  {
    id: 'kill',
    title: 'Killed under load',
    says: 'SIGKILL, restart on the same disk: what was acknowledged and never reaches its receiver.',
    metrics: [
      { key: 'accepted', title: 'acknowledged', better: 'more' },
      { key: 'lost', title: 'lost', better: 'less' },
      { key: 'restart_ms', title: 'restart ms', better: 'less' },
    ],
  },
]
