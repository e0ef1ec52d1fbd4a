/** The exact edges of a bucket, and how addresses are grouped. */
import { expect, test } from 'bun:test'
import { TestClock } from '@parley/testkit'
import { ApiError } from './api-error.ts'
import { addressKeys, type LimitName, limitTable, openLimits } from './limits.ts'
import { openMetrics } from './metrics.ts'

function bucket() {
  const clock = new TestClock()
  const metrics = openMetrics()
  const limits = openLimits({ clock, metrics })
  const take = (key: string) => {
    try {
      limits.take('bundlesPerPair', key)
      return 'taken'
    } catch (error) {
      if (error instanceof ApiError) return error.retryAfterS
      throw error
    }
  }
  return { clock, metrics, take }
}

const { burst, refillMs } = limitTable.bundlesPerPair

test('[S10] a bucket gives its burst at once, then one per refill, to the millisecond', () => {
  const { clock, take } = bucket()
  for (let taken = 0; taken < burst; taken++) expect(take('a')).toBe('taken')
  expect(take('a')).toBe(refillMs / 1000)
  clock.advance(refillMs - 1)
  expect(take('a')).toBe(1)
  clock.advance(1)
  expect(take('a')).toBe('taken')
  expect(take('a')).toBe(refillMs / 1000)
})

test('[S10] a refusal costs nothing', () => {
  const { clock, take } = bucket()
  for (let taken = 0; taken < burst; taken++) take('a')
  for (let refused = 0; refused < 50; refused++) take('a')
  clock.advance(refillMs)
  expect(take('a')).toBe('taken')
})

test('[S10] a full bucket holds no more than its burst however long it waits', () => {
  const { clock, take } = bucket()
  take('a')
  clock.advance(refillMs * 100)
  for (let taken = 0; taken < burst; taken++) expect(take('a')).toBe('taken')
  expect(take('a')).not.toBe('taken')
})

// Whoever asked while the clock was a year ahead was told to wait for a year.
test('[S10] a clock that is set back holds nobody up', () => {
  const clock = new TestClock()
  const year = 365 * 24 * 60 * 60 * 1000
  let aheadMs = year
  const wrong = { now: () => clock.now() + aheadMs, after: clock.after.bind(clock) }
  const limits = openLimits({ clock: wrong, metrics: openMetrics() })
  limits.take('bundlesPerPair', 'a', burst)
  aheadMs = 0
  limits.take('bundlesPerPair', 'a', burst)
  expect(refusalOf(() => limits.take('bundlesPerPair', 'a'))?.retryAfterS).toBe(refillMs / 1000)
})

test('[S10] every limit of the table gives its burst at once and not one more, and says how long to wait', () => {
  const clock = new TestClock()
  const limits = openLimits({ clock, metrics: openMetrics() })
  for (const name of Object.keys(limitTable) as LimitName[]) {
    const limit = limitTable[name]
    limits.take(name, 'key', limit.burst)
    const refused = refusalOf(() => limits.take(name, 'key'))
    expect([name, refused?.code]).toEqual([name, limit.refusal])
    expect([name, refused?.retryAfterS]).toEqual([name, Math.ceil(limit.refillMs / 1000)])
    clock.advance(limit.refillMs)
    limits.take(name, 'key')
    expect([name, refusalOf(() => limits.take(name, 'key'))?.code]).toEqual([name, limit.refusal])
  }
})

function refusalOf(take: () => void): ApiError | undefined {
  try {
    take()
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  return undefined
}

test('[S10] keys do not share a bucket, and refusals are counted by limit', async () => {
  const { metrics, take } = bucket()
  for (let taken = 0; taken <= burst; taken++) take('a')
  expect(take('b')).toBe('taken')
  const { values } = await metrics.refusedByLimit.get()
  expect(values).toEqual([
    expect.objectContaining({ labels: { limit: 'bundlesPerPair' }, value: 1 }),
  ])
})

test('[I9] a flood of keys does not grow the table without end', () => {
  const { take } = bucket()
  for (let taken = 0; taken < burst; taken++) take('first')
  for (let key = 0; key < 100_000; key++) take(`key ${key}`)
  expect(take('first')).toBe('taken')
})

test('[S2] addresses count by what one customer has', () => {
  expect(addressKeys('203.0.113.7')).toEqual({ address: '203.0.113.7', subnet: '203.0.113' })
  expect(addressKeys('::ffff:203.0.113.7')).toEqual(addressKeys('203.0.113.7'))
  expect(addressKeys('2001:db8:1:2:3:4:5:6')).toEqual({
    address: '2001:db8:1:2',
    subnet: '2001:db8:1',
  })
  expect(addressKeys('2001:db8::1')).toEqual({ address: '2001:db8:0:0', subnet: '2001:db8:0' })
  expect(addressKeys('2001:0db8:0000::1')).toEqual(addressKeys('2001:db8::1'))
  expect([addressKeys('127.0.0.1'), addressKeys('::1')]).toEqual([undefined, undefined])
})

test('[S2] an address that a proxy passed on may be any text', () => {
  const startMs = performance.now()
  const address = `${'%'.repeat(200_000)}\n`
  expect(addressKeys(address)).toEqual({ address: '', subnet: '' })
  expect(performance.now() - startMs).toBeLessThan(1_000)
  expect(addressKeys('fe80::1%eth0')).toEqual(addressKeys('fe80::1'))
})
