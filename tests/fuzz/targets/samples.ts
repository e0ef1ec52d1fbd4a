/** Valid values of the wire, made from a seed: what the corpora of several targets are encoded from. */
import { generateKeyPair, type KeyPair, sha256, sign } from '@parley/crypto'
import { verify } from '@parley/crypto/signatures'
import {
  type AccountId,
  accountIdFromRandom,
  type ClientFrame,
  type Content,
  deviceIdBytes,
  deviceIdOf,
  deviceListSigningInput,
  encodeDeviceList,
  type Entry,
  type Envelope,
  inboxOf,
  type ListedDevice,
  messageIdOf,
  type Receipt,
  type ServerFrame,
  type SignedDeviceList,
  type StoredContent,
  type VerifiedList,
  verifyDeviceList,
} from '@parley/wire'
import { SimRandom } from '../../../packages/testkit/src/sim/random.ts'

export const random = new SimRandom(20_260_101)
export const { bytes } = random
export const account = accountIdFromRandom(bytes(16))
export const peer = accountIdFromRandom(bytes(16))
export const device = deviceIdOf(bytes(16))
export const peerDevice = deviceIdOf(bytes(16))
export const log = inboxOf(account)
export const messageId = messageIdOf(bytes(16))
const position = 47_000_000_123

function envelope(length: number): Envelope {
  return { device: deviceIdOf(bytes(16)), type: 'message', ciphertext: bytes(length) }
}

const receipt: Receipt = { peer, peerDevice, delivered: position, read: 300 }
const head = { sender: peer, senderDevice: peerDevice, sequence: 7, messageId, stamp: position }
const own: Envelope = { device, type: 'prekey', ciphertext: bytes(60) }

export const storedContents: readonly StoredContent[] = [
  { kind: 'message', ...head, envelopes: [envelope(30), own, envelope(0)] },
  { kind: 'receipt', reader: peer, sendingDevice: device, delivered: 3, read: 2 },
  { kind: 'devices', version: 3 },
]

export const clientFrames: readonly ClientFrame[] = [
  {
    kind: 'hello',
    token: 'a.b.c',
    cursors: [{ log, position }],
    capabilities: ['receipts', ''],
  },
  {
    kind: 'send',
    log,
    sequence: position,
    messageId,
    stamp: Date.UTC(2026, 5, 1),
    deviceList: bytes(32),
    envelopes: [envelope(100), envelope(0)],
  },
  { kind: 'ack', log, position },
  { kind: 'receipt', ...receipt },
  { kind: 'fetch', log, after: 0, limit: 256 },
  { kind: 'typing', peer, active: true },
  { kind: 'subscribe', accounts: [peer, account] },
  { kind: 'ping' },
]

function entry(content: Entry['content']): Entry {
  return { kind: 'entry', log, position, prev: position - 1, content }
}

/** Version 1 of somebody's list, verified, with one device that has this key. */
export function listWith(owner: AccountId, identityKey: Uint8Array): VerifiedList {
  const root = generateKeyPair(bytes)
  const body = encodeDeviceList({
    account: owner,
    version: 1,
    rootKey: root.publicKey,
    previous: new Uint8Array(),
    devices: [{ id: peerDevice, number: 1, identityKey }],
  })
  const signature = sign(root.privateKey, deviceListSigningInput(body), bytes)
  return verifyDeviceList({ body, signer: new Uint8Array(), signature }, undefined, listCrypto)
}

export const listCrypto = { verify, sha256 }

export interface SignedChain {
  root: KeyPair
  /** From version 1; the second is signed by the device, the third by the root. */
  lists: readonly SignedDeviceList[]
}

export function signedChain(): SignedChain {
  const root = generateKeyPair(bytes)
  const identity = generateKeyPair(bytes)
  const listed: ListedDevice = { id: device, number: 1, identityKey: identity.publicKey }
  const lists: SignedDeviceList[] = []
  for (const signer of [undefined, identity, undefined]) {
    const before = lists.at(-1)
    const body = encodeDeviceList({
      account,
      version: lists.length + 1,
      rootKey: root.publicKey,
      previous: before ? sha256(before.body) : new Uint8Array(),
      devices: [listed],
    })
    const { privateKey } = signer ?? root
    lists.push({
      body,
      signer: signer ? deviceIdBytes(device) : new Uint8Array(),
      signature: sign(privateKey, deviceListSigningInput(body), bytes),
    })
  }
  return { root, lists }
}

export const chain = signedChain()

export const serverFrames: readonly ServerFrame[] = [
  { kind: 'welcome', time: position, incarnation: 'first', lastSequence: 0 },
  { kind: 'welcome', time: 1, incarnation: '', lastSequence: undefined },
  { kind: 'accepted', log, upTo: position },
  rejectedWith(chain.lists),
  entry({ kind: 'message', ...head, envelope: own }),
  entry({ kind: 'message', ...head, envelope: undefined }),
  entry({ kind: 'receipt', reader: peer, sendingDevice: device, delivered: 3, read: 2 }),
  entry({ kind: 'devices', version: 3 }),
  { kind: 'caught-up', log, position, expiredUpTo: 12 },
  { kind: 'receipts', confirmed: [receipt, receipt] },
  { kind: 'presence', account: peer, online: false, lastSeen: position },
  { kind: 'typing', peer, active: false },
  { kind: 'closing', code: 4_001, retryAfterMs: 1_000 },
  { kind: 'pong' },
]

/** A frame that carries signed lists, as which a chain of them is spoilt. */
export function rejectedWith(deviceLists: readonly SignedDeviceList[]): ServerFrame {
  const numbers = { sequence: 9, time: position, retryAfterMs: 0 }
  return {
    kind: 'rejected',
    log,
    reason: 'devices-changed',
    ...numbers,
    deviceLists: [...deviceLists],
  }
}

const list = { version: 2, hash: bytes(32) }
const content = {
  sender: peer,
  senderDevice: peerDevice,
  conversation: account,
  messageId,
  stamp: position,
  senderList: list,
  recipientList: list,
  profile: undefined,
}

export const contents: readonly Content[] = [
  { ...content, body: { kind: 'text', text: 'Grüße \u{1f469}\u{200d}\u{1f4bb}' } },
  {
    ...content,
    profile: { name: 'Ada', phone: '+4915112345678' },
    body: { kind: 'text', text: '' },
  },
  { ...content, body: { kind: 'resend-request', messageIds: [messageId, messageId] } },
  { ...content, body: { kind: 'resend-refused', messageIds: [messageId] } },
  { ...content, body: { kind: 'unknown' } },
]
