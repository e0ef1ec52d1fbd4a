/** What a chain of device lists that the server shows changes in the store (E1, E10). */
import { beforeEach, expect, test } from 'bun:test'
import { generateKeyPair, sha256, sign } from '@parley/crypto'
import type { KeyPair } from '@parley/crypto'
import { deviceListSigningInput, encodeDeviceList } from '@parley/wire'
import type { AccountId, DeviceId, SignedDeviceList } from '@parley/wire'
import type { Core } from '../core.ts'
import { systemRandom } from '../platform/random.ts'
import { readContact, updateContact } from '../store/contacts.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { readMessage } from '../store/messages.ts'
import { insertOutbox, readSealed, readUnsealed, writeSealedFrame } from '../store/outbox.ts'
import { readSession, writeSession } from '../store/sessions.ts'
import { insertUnopened, readUnopened } from '../store/unopened.ts'
import { memoryCore } from '../testing/test-core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import {
  addMessage,
  own,
  peer,
  testAccount,
  testDevice,
  testMessageId,
} from '../testing/test-store.ts'
import { learnLists } from './devices.ts'

const root = generateKeyPair(systemRandom)
const otherRoot = generateKeyPair(systemRandom)
const identities = new Map<DeviceId, Uint8Array>()

function identityOf(id: DeviceId): Uint8Array {
  const known = identities.get(id) ?? generateKeyPair(systemRandom).publicKey
  identities.set(id, known)
  return known
}

/** One version for each set of devices, signed by the root. */
function chainOf(
  account: AccountId,
  by: KeyPair,
  versions: readonly (readonly number[])[],
): SignedDeviceList[] {
  const chain: SignedDeviceList[] = []
  for (const [at, numbers] of versions.entries()) {
    const before = chain.at(-1)
    const previous = before ? sha256(before.body) : new Uint8Array()
    const devices = numbers.map((number) => {
      const id = testDevice(number)
      return { id, number, identityKey: identityOf(id) }
    })
    const list = { account, version: at + 1, rootKey: by.publicKey, previous, devices }
    const body = encodeDeviceList(list)
    const signature = sign(by.privateKey, deviceListSigningInput(body), systemRandom)
    chain.push({ body, signer: new Uint8Array(), signature })
  }
  return chain
}

let core: Core

beforeEach(() => {
  core = memoryCore(new HandClock(1_000))
})

function haveSessionWith(number: number): void {
  const record = new Uint8Array([1])
  const change = { account: peer, device: testDevice(number), record, basedOn: 0, renewedAtMs: 0 }
  core.store.transaction(() => writeSession(core.store, change))
}

const hasSessionWith = (number: number) =>
  readSession(core.store, { account: peer, device: testDevice(number) }) !== undefined
const notices = () => core.store.all("SELECT * FROM messages WHERE kind = 'key-changed'").length

test('[E1] another root ends verification and holds back what is sent, and is in the chat', () => {
  learnLists(core, peer, chainOf(peer, root, [[1]]))
  updateContact(core.store, peer, { verified: true })
  expect(notices()).toBe(0)
  expect(learnLists(core, peer, chainOf(peer, otherRoot, [[2]]))).toBe('changed')
  expect(readContact(core.store, peer)).toMatchObject({
    rootKey: otherRoot.publicKey,
    keyChanged: true,
    verified: false,
    held: true,
  })
  expect(notices()).toBe(1)
})

test('[E1] a second change of root does not let go what the first one held', () => {
  learnLists(core, peer, chainOf(peer, root, [[1]]))
  updateContact(core.store, peer, { verified: true })
  learnLists(core, peer, chainOf(peer, otherRoot, [[2]]))
  learnLists(core, peer, chainOf(peer, generateKeyPair(systemRandom), [[3]]))
  expect(readContact(core.store, peer)).toMatchObject({ verified: false, held: true })
})

test('[E1] with another root the ratchets of the old one are gone', () => {
  learnLists(core, peer, chainOf(peer, root, [[1]]))
  haveSessionWith(1)
  learnLists(core, peer, chainOf(peer, otherRoot, [[1]]))
  expect(hasSessionWith(1)).toBe(false)
})

test('[E1] [E10] what was sealed under the old root does not go out as it is', () => {
  learnLists(core, peer, chainOf(peer, root, [[1]]))
  const { store } = core
  for (const [at, to] of [peer, testAccount(8)].entries()) {
    const row = { peer: to, id: testMessageId(at), kind: 'text' as const, body: '', stamp: 1 }
    insertOutbox(store, row)
    const frame = new Uint8Array([1])
    writeSealedFrame(store, { number: at + 1, stamp: 1, sequence: at + 1, frame })
  }
  learnLists(core, peer, chainOf(peer, otherRoot, [[1]]))
  expect(readSealed(store, peer, 0, 9)).toEqual([])
  // It keeps its sequence, so that the server knows it if it had it already.
  expect(readUnsealed(store, peer, 9).map(({ sequence }) => sequence)).toEqual([1])
  expect(readSealed(store, testAccount(8), 0, 9)).toHaveLength(1)
})

test('[E1] what devices of the old root sent, and was not opened, is given up for good', () => {
  learnLists(core, peer, chainOf(peer, root, [[1, 2]]))
  const item = { sender: peer, sequence: 5, stamp: 5, position: 5, asks: 0, askAtMs: 0 }
  const waiting = { ...item, type: 'message' as const, ciphertext: new Uint8Array(8), shown: true }
  for (const number of [1, 2]) {
    addMessage(core.store, number, { kind: 'waiting', text: '' })
    const id = testMessageId(number)
    insertUnopened(core.store, { ...waiting, id, senderDevice: testDevice(number) })
  }
  learnLists(core, peer, chainOf(peer, otherRoot, [[2]]))
  const kindOf = (number: number) => {
    const id = testMessageId(number)
    return readMessage(core.store, { conversation: peer, sender: peer, id })?.kind
  }
  expect([1, 2].map(kindOf)).toEqual(['lost', 'waiting'])
  expect(readUnopened(core.store, peer, testMessageId(1))).toBeUndefined()
})

test('[E10] another root for the own account is refused', () => {
  learnLists(core, own, chainOf(own, root, [[1]]))
  expect(learnLists(core, own, chainOf(own, otherRoot, [[1, 2]]))).toBe('refused')
  expect(readDeviceList(core.store, own)?.list.rootKey).toEqual(root.publicKey)
})

test('[E10] the ratchet with a device that left the list goes, the others stay', () => {
  const chain = chainOf(peer, root, [[1, 2], [2]])
  learnLists(core, peer, chain.slice(0, 1))
  for (const number of [1, 2]) haveSessionWith(number)
  expect(learnLists(core, peer, chain)).toBe('changed')
  expect([1, 2].map(hasSessionWith)).toEqual([false, true])
})
