import { expect, test } from 'bun:test'
import { compareWithEstimate } from './estimate.ts'
import { parseFigures } from './figures.ts'
import { planFor, usualAssumptions } from './model.ts'
import type { Figures } from './model.ts'

const figures: Figures = {
  cores: 2,
  memoryMb: 4_096,
  baseMb: 60,
  kbPerConnection: 3,
  loginsPerS: 6_000,
  messagesPerS: 30_000,
  cpuUsPerMessage: 40,
  cpuUsPerMessageLight: 400,
  cpuUsPerKeepalive: 25,
  diskBytesPerMessage: 700,
  networkBytesPerMessage: 1_500,
}
const plan = (dailyUsers: number, change: Partial<Figures> = {}) =>
  planFor({ ...usualAssumptions, dailyUsers }, { ...figures, ...change })

test('the estimate of R182-R188 comes out, but for the bandwidth that contradicts it (R184)', () => {
  for (const { estimate, model, quantity } of compareWithEstimate(figures)) {
    if (quantity === 'bandwidth of messages') {
      expect(Math.round(estimate / model)).toBe(864)
    } else {
      expect(Math.abs(model - estimate) / estimate).toBeLessThan(0.02)
    }
  }
})

test('one box carries a city, and what binds is said', () => {
  expect(plan(100_000)).toMatchObject({ nodes: 1, boundBy: 'logins', connections: 10_000 })
  const tiny = { loginsPerS: 1e9, kbPerConnection: 0.001 }
  expect(plan(100_000, tiny).boundBy).toBe('messages')
  const memory = plan(100_000, { loginsPerS: 1e9 })
  expect(memory.boundBy).toBe('memory')
  expect(memory.memoryMbPerNode).toBeCloseTo(60 + (10_000 * 3) / 1024)
})

test('a message costs less where more of them share a wake-up', () => {
  const quiet = plan(100_000)
  expect(quiet.cores).toBeCloseTo((quiet.messagesPerSPeak * 400 + 400 * 25) / 1e6)
  const perMessage = ({ connections, cores, messagesPerSPeak }: typeof quiet) =>
    (cores * 1e6 - connections) / messagesPerSPeak
  const busy = plan(1e9, { loginsPerS: 1e9, memoryMb: 1e9 })
  expect(busy.messagesPerSPeak / busy.nodes).toBeGreaterThan(10_000)
  expect(perMessage(busy)).toBeCloseTo(40 + (360 * 1_000) / (busy.messagesPerSPeak / busy.nodes))
})

test('more than one node are one more than needed, and share the connections', () => {
  const large = plan(10_000_000)
  expect(large.needs.logins).toBeCloseTo(1e6 / 360_000)
  expect(large.nodes).toBe(4)
  expect(large.memoryMbPerNode).toBeCloseTo(60 + (250_000 * 3) / 1024)
})

test('more users never need fewer nodes, less memory in all, disk or bandwidth', () => {
  let before = plan(1_000)
  for (let users = 2_000; users < 1e10; users *= 2) {
    const after = plan(users)
    expect(after.nodes).toBeGreaterThanOrEqual(before.nodes)
    const total = ({ memoryMbPerNode, nodes }: typeof after) => memoryMbPerNode * nodes
    expect(total(after)).toBeGreaterThanOrEqual(total(before))
    expect(after.diskGb).toBeCloseTo(before.diskGb * 2, 3)
    expect(after.bandwidthMbitPerS.messages).toBeCloseTo(before.bandwidthMbitPerS.messages * 2, 3)
    before = after
  }
})

test('a box whose memory is below what the server needs at rest is not divided by', () => {
  expect(plan(1_000, { memoryMb: 64 })).toMatchObject({ boundBy: 'memory', nodes: 101 })
})

test('figures are the last line of the benchmark; what lacks one is refused', () => {
  const row = {
    ...{ cores: 2, memory_mb: 4_096, base_rss_mb: 60, kb_per_session: 3, logins_per_s: 6_000 },
    ...{ rate_per_s: 30_000, server_cpu_us: 40 },
    ...{ server_cpu_us_light: 400, keepalive_cpu_us: 25 },
    ...{ disk_bytes_per_message: 700, network_bytes_per_message: 1_500 },
  }
  const text = (value: object) => `something else\n${JSON.stringify(value)}\n`
  expect(parseFigures(text(row), 'box.json')).toEqual(figures)
  for (const key of Object.keys(row)) {
    for (const value of [undefined, -1, '3', null]) {
      expect(() => parseFigures(text({ ...row, [key]: value }), 'box.json')).toThrow(
        `box.json has no good ${key}`,
      )
    }
  }
  expect(parseFigures(text({ ...row, keepalive_cpu_us: 0 }), 'box.json').cpuUsPerKeepalive).toBe(0)
  for (const key of ['kb_per_session', 'logins_per_s', 'rate_per_s']) {
    expect(() => parseFigures(text({ ...row, [key]: 0 }), 'box.json')).toThrow('no good')
  }
  for (const bad of ['', '[]', 'null', '{', '3']) {
    expect(() => parseFigures(bad, 'box.json')).toThrow('box.json has no')
  }
})
