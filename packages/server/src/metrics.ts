/**
 * The figures that the server counts about itself, for /metrics. Labels never carry an id, a number
 * or an address.
 */
import Counter from 'prom-client/lib/counter.js'
import Gauge from 'prom-client/lib/gauge.js'
import Histogram from 'prom-client/lib/histogram.js'
import Registry from 'prom-client/lib/registry.js'

export type Metrics = ReturnType<typeof openMetrics>

const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

export function openMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    /** Figures of the process, read whenever /metrics is. */
    usage: (read: () => Usage) => addUsage(registers, read),
    ...gatewayMetrics(registers),
    ...apiMetrics(registers),
  }
}

export interface Usage {
  cpuSeconds: number
  residentBytes: number
}

function addUsage(registers: Registry[], read: () => Usage): void {
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of the process.',
    registers,
    collect() {
      this.set(read().cpuSeconds)
    },
  })
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process.',
    registers,
    collect() {
      this.set(read().residentBytes)
    },
  })
}

function gatewayMetrics(registers: Registry[]) {
  return {
    connections: new Gauge({
      name: 'parley_connections',
      help: 'Open client connections.',
      registers,
    }),
    connectionsClosed: new Counter({
      name: 'parley_connections_closed_total',
      help: 'Connections that the server closed, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    framesIn: new Counter({
      name: 'parley_frames_in_total',
      help: 'Frames from clients, by kind.',
      labelNames: ['kind'],
      registers,
    }),
    sendsAccepted: new Counter({
      name: 'parley_sends_accepted_total',
      help: 'Messages made durable.',
      registers,
    }),
    sendsRejected: new Counter({
      name: 'parley_sends_rejected_total',
      help: 'Messages refused, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    acceptSeconds: new Histogram({
      name: 'parley_accept_seconds',
      help: 'From a Send frame to its durable entry.',
      buckets: secondsBuckets,
      registers,
    }),
    entriesOut: new Counter({
      name: 'parley_entries_out_total',
      help: 'Entries served to devices, by way: live or read from the log.',
      labelNames: ['way'],
      registers,
    }),
  }
}

function apiMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: 'parley_http_requests_total',
      help: 'HTTP requests, by route and status.',
      labelNames: ['route', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'parley_http_request_seconds',
      help: 'Time to answer an HTTP request.',
      buckets: secondsBuckets,
      registers,
    }),
    refusedByLimit: new Counter({
      name: 'parley_limited_total',
      help: 'Requests refused by a rate limit, by limit.',
      labelNames: ['limit'],
      registers,
    }),
    codesSent: new Counter({
      name: 'parley_codes_sent_total',
      help: 'One-time codes handed to the SMS gateway.',
      registers,
    }),
    tokensReused: new Counter({
      name: 'parley_refresh_tokens_reused_total',
      help: 'Refresh tokens presented again after their successor was used (S6): worth an alert.',
      registers,
    }),
    oneTimePreKeysEmpty: new Counter({
      name: 'parley_prekeys_last_resort_total',
      help: 'Bundles given without a one-time Kyber key because none was left (E9).',
      registers,
    }),
  }
}
