// The form in which sender keys are stored.

import { describe, expect, test } from 'bun:test'
import { concatBytes } from './bytes.ts'
import { SKIPPED_KEY_BYTES, SKIPPED_KEYS_MAX } from './ratchet.ts'
import {
  CHAINS_MAX,
  decodeSenderKeyRecord,
  encodeSenderKeyRecord,
  type MemberChain,
  type MemberRecord,
  RETIRED_MAX,
} from './sender-key-record.ts'
import { GroupReceiver, GroupSender } from './sender-keys.fixture.ts'
import { fromHex } from './vectors.fixture.ts'

const sender = new GroupSender('record')
const own = sender.own()
const member = new GroupReceiver(sender.distribution()).known()
const chain = member.chains[0] as MemberChain

function chainsWith(skipped: readonly (readonly number[])[]): MemberChain[] {
  return skipped.map((counters, chainId) => {
    return { ...chain, chainId, index: 5_000, skipped: packed(counters) }
  })
}

function packed(counters: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(counters.length * SKIPPED_KEY_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [at, counter] of counters.entries()) view.setUint32(at * SKIPPED_KEY_BYTES, counter)
  return bytes
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at)
}

function expectUnreadable(record: Uint8Array): void {
  expect(() => decodeSenderKeyRecord(record)).toThrow(
    expect.objectContaining({ code: 'invalid-state' }),
  )
}

describe('a stored sender key', () => {
  const fullest: MemberRecord = {
    ...member,
    chains: chainsWith([[0, 7, 4_999], [], upTo(SKIPPED_KEYS_MAX - 4), [1], []]),
    retired: upTo(RETIRED_MAX).map((at) => at + 1_000),
  }

  test('is read as it was written, and written as it was read', () => {
    for (const record of [own, member, fullest]) {
      const bytes = encodeSenderKeyRecord(record)
      expect(decodeSenderKeyRecord(bytes)).toEqual(record)
      expect(encodeSenderKeyRecord(decodeSenderKeyRecord(bytes))).toEqual(bytes)
    }
  })

  test('is refused when it is cut short or goes on', () => {
    for (const record of [own, { ...fullest, chains: chainsWith([[1], [2, 3]]) }]) {
      const bytes = encodeSenderKeyRecord(record)
      for (let length = 0; length < bytes.length; length++) {
        expectUnreadable(bytes.subarray(0, length))
      }
      expectUnreadable(concatBytes(bytes, Uint8Array.of(0)))
    }
  })

  test('is refused when it is of another version or kind', () => {
    for (const at of [0, 1]) {
      for (const value of [2, 3, 0x80, 0xff]) {
        const bytes = encodeSenderKeyRecord(own)
        bytes[at] = value
        expectUnreadable(bytes)
      }
    }
    const old = encodeSenderKeyRecord(own)
    old[0] = 0
    expectUnreadable(old)
  })

  const impossible: [string, Partial<MemberRecord>][] = [
    ['no chain', { chains: [] }],
    ['six chains', { chains: chainsWith(upTo(CHAINS_MAX + 1).map(() => [])) }],
    ['a chain twice', { chains: [chain, chain] }],
    ['a chain that is retired', { retired: [chain.chainId] }],
    ['a chain retired twice', { retired: [9, 8, 9] }],
    ['too many retired chains', { retired: upTo(RETIRED_MAX + 1) }],
    ['2,001 skipped keys', { chains: chainsWith([upTo(SKIPPED_KEYS_MAX), [0]]) }],
    ['a skipped key twice', { chains: chainsWith([[1, 3, 3]]) }],
    ['skipped keys out of order', { chains: chainsWith([[1, 4, 3]]) }],
    ['a skipped key that is not skipped yet', { chains: chainsWith([[1, 5_000]]) }],
    ['half a skipped key', { chains: [{ ...chain, index: 9, skipped: new Uint8Array(18) }] }],
    ['a signing key of low order', { chains: [{ ...chain, signingKey: lowOrder() }] }],
  ]

  test.each(impossible)('is refused with %s', (_, change) => {
    expectUnreadable(encodeSenderKeyRecord({ ...member, ...change }))
  })

  test('is refused with a sign bit that is no bit', () => {
    for (const signBit of [1, 0x7f, 0x81, 0xff]) {
      expectUnreadable(encodeSenderKeyRecord({ ...own, chain: { ...own.chain, signBit } }))
    }
  })

  function lowOrder(): Uint8Array {
    return fromHex(`0501${'00'.repeat(31)}`)
  }
})
