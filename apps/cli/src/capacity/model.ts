/**
 * How large an installation has to be for so many users: arithmetic on figures that were measured
 * on one box. docs/performance.md explains each step. The estimate that it has to reproduce is
 * R182-R188: 500 million daily users, a tenth of them connected at the peak, ten messages a day
 * each.
 */

/** What one box was measured to do, with the load client on the same box. */
export interface Figures {
  cores: number
  memoryMb: number
  /** Resident memory of a server that nobody uses. */
  baseMb: number
  /** Of a connection that is logged in and idle; 1 KB is 1,024 bytes. */
  kbPerConnection: number
  loginsPerS: number
  /** Durable, with their receipts, closed loop. */
  messagesPerS: number
  /** Of the server, all threads, receipt included, as fast as it goes. */
  cpuUsPerMessage: number
  /** The same at 1,000 messages a second, where hardly two share a wake-up. */
  cpuUsPerMessageLight: number
  cpuUsPerKeepalive: number
  /** Of the data folder, receipts and indexes included. */
  diskBytesPerMessage: number
  /** Both ways between server and clients, receipts and acknowledgements included. */
  networkBytesPerMessage: number
}

export interface Assumptions {
  dailyUsers: number
  messagesPerUser: number
  /** Share of the daily users that are connected at the busiest time. */
  connectedShare: number
  /** The busiest second of the day against an average one. */
  peakFactor: number
  retentionDays: number
  /** How soon everybody is back after a server has been restarted. */
  reconnectS: number
}

export interface Load {
  messagesPerDay: number
  messagesPerSAverage: number
  messagesPerSPeak: number
  connections: number
}

export type Bound = 'messages' | 'memory' | 'logins'

export interface Plan extends Load {
  nodes: number
  /** What the number of nodes follows from. */
  boundBy: Bound
  /** Nodes that each need alone would take; not rounded. */
  needs: Readonly<Record<Bound, number>>
  memoryMbPerNode: number
  /** At the peak, on all nodes together. */
  cores: number
  diskGbPerDay: number
  diskGb: number
  /** At the peak, both ways. */
  bandwidthMbitPerS: { messages: number; keepalive: number }
}

/** As in R182; the peak and the time to come back are ours. */
export const usualAssumptions: Omit<Assumptions, 'dailyUsers'> = {
  messagesPerUser: 10,
  connectedShare: 0.1,
  peakFactor: 3,
  retentionDays: 90,
  reconnectS: 60,
}

const secondsPerDay = 86_400
/** A box is planned to be half busy at the peak: so it takes twice of what was foreseen. */
const busyShare = 0.5
/** The rest of the memory is the system's, above all its cache of the log. */
const memoryShare = 0.5
const lightPerS = 1_000
const keepaliveS = 25
/** A ping and its answer with the headers of TCP and IP and the acknowledgement, both ways. */
const keepaliveBytes = 250

export function loadOf(assumptions: Assumptions): Load {
  const { connectedShare, dailyUsers, messagesPerUser, peakFactor } = assumptions
  const messagesPerDay = dailyUsers * messagesPerUser
  const messagesPerSAverage = messagesPerDay / secondsPerDay
  return {
    messagesPerDay,
    messagesPerSAverage,
    messagesPerSPeak: messagesPerSAverage * peakFactor,
    connections: Math.ceil(dailyUsers * connectedShare),
  }
}

/**
 * Nodes like the one that was measured. More than one get one more than they need, so that any of
 * them may fail.
 */
export function planFor(assumptions: Assumptions, figures: Figures): Plan {
  const load = loadOf(assumptions)
  const { connections, messagesPerDay, messagesPerSPeak } = load
  const connectionsMax =
    ((figures.memoryMb * memoryShare - figures.baseMb) * 1024) / figures.kbPerConnection
  const needs: Record<Bound, number> = {
    messages: messagesPerSPeak / (figures.messagesPerS * busyShare),
    memory: connections / Math.max(1, connectionsMax),
    logins: connections / (figures.loginsPerS * assumptions.reconnectS),
  }
  const boundBy = (Object.keys(needs) as Bound[]).reduce((a, b) => (needs[b] > needs[a] ? b : a))
  const least = Math.max(1, Math.ceil(needs[boundBy]))
  const nodes = least === 1 ? 1 : least + 1
  const diskGbPerDay = (messagesPerDay * figures.diskBytesPerMessage) / 1e9
  return {
    ...load,
    nodes,
    boundBy,
    needs,
    memoryMbPerNode: figures.baseMb + (connections / nodes) * (figures.kbPerConnection / 1024),
    cores: coresFor({ messagesPerS: messagesPerSPeak, connections, nodes }, figures),
    diskGbPerDay,
    diskGb: diskGbPerDay * assumptions.retentionDays,
    bandwidthMbitPerS: {
      messages: megabits(messagesPerSPeak * figures.networkBytesPerMessage),
      keepalive: megabits((connections / keepaliveS) * keepaliveBytes),
    },
  }
}

/** Between the two rates that were measured, what messages share grows with the rate. */
function coresFor(
  all: { messagesPerS: number; connections: number; nodes: number },
  figures: Figures,
): number {
  const { cpuUsPerKeepalive, cpuUsPerMessage: full, cpuUsPerMessageLight: light } = figures
  const alone = Math.min(1, lightPerS / (all.messagesPerS / all.nodes))
  const us = all.messagesPerS * (full + Math.max(0, light - full) * alone)
  return (us + (all.connections / keepaliveS) * cpuUsPerKeepalive) / 1e6
}

function megabits(bytes: number): number {
  return (bytes * 8) / 1e6
}
