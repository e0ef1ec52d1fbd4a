// A fault of ours that shows in a conversation is cut down to the few messages that it needs. Each
// fault here is planted around our party, in a run like those of `npm run interop`.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { bunCurve } from '@parley/crypto/bun'
import { parseRatchetMessage } from '../../packages/crypto/src/messages.ts'
import type { Channel, Party, SealedMessage } from './conversation.ts'
import { innerMessage } from './fields.ts'
import { oracleProgram, PINNED_ORACLE } from './install.ts'
import { type Oracle, Refused } from './oracle-link.ts'
import { startOracle } from './oracle-process.ts'
import { replay, runInterop } from './run.ts'
import { minimise, RERUNS_MAX } from './shrink.ts'

const TIMEOUT_MS = 300_000

let oracle: Oracle
beforeAll(() => {
  oracle = startOracle(oracleProgram(PINNED_ORACLE))
}, TIMEOUT_MS)
afterAll(async () => {
  await oracle[Symbol.asyncDispose]()
})

interface Position {
  ratchetKey: string
  counter: number
}

function positionOf({ type, ciphertext }: SealedMessage): Position {
  const inner = type === 'prekey' ? innerMessage(ciphertext) : ciphertext
  const { ratchetKey, counter } = parseRatchetMessage(inner)
  return { ratchetKey: ratchetKey.join(), counter }
}

function withOurs(channel: Channel, decrypt: Party['decrypt']): Channel {
  const { ours, theirs } = channel.parties
  const spoilt: Party = {
    encrypt: (plaintext) => ours.encrypt(plaintext),
    restart: () => ours.restart(),
    decrypt,
  }
  return { ...channel, parties: { ours: spoilt, theirs } }
}

/** Keeps the keys of the last three skipped messages of a chain, and no older ones. */
function forgetsSkippedKeys(channel: Channel): Channel {
  if (!channel.isMutual) return channel
  const newest = new Map<string, number>()
  return withOurs(channel, async (message) => {
    const { ratchetKey, counter } = positionOf(message)
    const last = newest.get(ratchetKey) ?? -1
    if (counter < last - 3) throw new Refused('duplicate: forgotten')
    newest.set(ratchetKey, Math.max(last, counter))
    return channel.parties.ours.decrypt(message)
  })
}

/** Forgets the old session when it makes a new one. */
function dropsSessionOnReset(channel: Channel): Channel {
  if (!channel.isMutual) return channel
  let known = new Set<string>()
  let dropped = new Set<string>()
  const spoilt = withOurs(channel, async (message) => {
    const { ratchetKey } = positionOf(message)
    if (dropped.has(ratchetKey)) throw new Refused('no-session: dropped')
    known.add(ratchetKey)
    return channel.parties.ours.decrypt(message)
  })
  return {
    ...spoilt,
    async begin(side, early) {
      if (side === 'ours') [dropped, known] = [new Set([...dropped, ...known]), new Set()]
      await channel.begin(side, early)
    },
  }
}

/** Opens what it has opened before. */
function takesDuplicates(channel: Channel): Channel {
  if (channel.isMutual) return channel
  const opened = new Map<string, Uint8Array>()
  return withOurs(channel, async (message) => {
    const name = message.ciphertext.join()
    const plaintext = opened.get(name) ?? (await channel.parties.ours.decrypt(message))
    opened.set(name, plaintext)
    return plaintext
  })
}

const FAULTS = [
  { spoil: forgetsSkippedKeys, name: 'forgets skipped keys', turnsMax: 6, messagesMax: 12 },
  { spoil: dropsSessionOnReset, name: 'drops a session on reset', turnsMax: 5, messagesMax: 6 },
  { spoil: takesDuplicates, name: 'takes duplicates of groups', turnsMax: 2, messagesMax: 2 },
]

for (const { spoil, name, turnsMax, messagesMax } of FAULTS) {
  test(
    `a party that ${name} is found, and the schedule that shows it is short`,
    async () => {
      const options = { oracle, curve: bunCurve, deliveries: 3_000, seed: 7, spoil }
      const { totals, problems } = await runInterop(options)
      expect(totals.errors).toBeGreaterThan(0)
      for (const { schedule } of problems) {
        if (schedule === undefined) throw new Error('a problem without a schedule')
        const messages = schedule.turns.flatMap((turn) => turn.messages)
        expect(schedule.turns.length).toBeLessThanOrEqual(turnsMax)
        expect(messages.length).toBeLessThanOrEqual(messagesMax)
        const again = JSON.parse(JSON.stringify(schedule)) as typeof schedule
        expect(await replay(options, again)).toBeString()
        expect(await replay({ ...options, spoil: (channel) => channel }, again)).toBeUndefined()
      }
    },
    TIMEOUT_MS,
  )
}

test('a list is cut down to the few items that matter, in a bounded number of tries', async () => {
  const items = Array.from({ length: 1_000 }, (_, index) => index)
  let tries = 0
  const kept = await minimise(items, async (some) => {
    tries++
    return some.includes(123) && some.includes(777)
  })
  expect(kept).toEqual([123, 777])
  expect(tries).toBeLessThan(RERUNS_MAX)
})
