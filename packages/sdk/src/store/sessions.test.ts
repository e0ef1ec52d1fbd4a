import { expect, test } from 'bun:test'
import { memoryStore, peer, peerDevice, testAccount } from '../testing/test-store.ts'
import { readSession, StaleSession, writeSession } from './sessions.ts'

const change = { account: peer, device: peerDevice, renewedAtMs: 0 }
const record = (byte: number) => new Uint8Array([byte])

test('[Y3] a ratchet is written only over the state that it was made from', () => {
  const store = memoryStore()
  writeSession(store, { ...change, record: record(1), basedOn: 0 })
  writeSession(store, { ...change, record: record(2), basedOn: 1 })
  expect(() => writeSession(store, { ...change, record: record(3), basedOn: 1 })).toThrow(
    StaleSession,
  )
  expect(() => writeSession(store, { ...change, record: record(4), basedOn: 0 })).toThrow(
    StaleSession,
  )
  expect(readSession(store, change)).toMatchObject({ record: record(2), version: 2 })
})

test('[Y3] a stale ratchet takes the whole transaction with it', () => {
  const store = memoryStore()
  writeSession(store, { ...change, record: record(1), basedOn: 0 })
  const stale = () =>
    store.transaction(() => {
      store.run("INSERT INTO meta VALUES ('sequence', 5)")
      writeSession(store, { ...change, record: record(2), basedOn: 7 })
    })
  expect(stale).toThrow(StaleSession)
  expect(store.all('SELECT * FROM meta')).toEqual([])
})

test('one device id of two accounts means two ratchets', () => {
  const store = memoryStore()
  const other = { ...change, account: testAccount(99) }
  writeSession(store, { ...change, record: record(1), basedOn: 0 })
  writeSession(store, { ...other, record: record(2), basedOn: 0 })
  expect(readSession(store, change)?.record).toEqual(record(1))
  expect(readSession(store, other)?.record).toEqual(record(2))
})
