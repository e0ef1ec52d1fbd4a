/**
 * What the engine makes of envelopes, on tables alone: a peer who speaks the protocol by itself, and
 * what stays in the store of prekeys and ratchets (E5, E8, E10, E23).
 */
import { beforeEach, expect, test } from 'bun:test'
import { createSession, decryptMessage, encryptMessage, generateKeyPair } from '@parley/crypto'
import { nobleCurve } from '@parley/crypto/reference'
import type { LocalIdentity, PreKeyBundle, SessionRecord } from '@parley/crypto'
import { encodeDeviceList } from '@parley/wire'
import type { ListedDevice, VerifiedList } from '@parley/wire'
import { makePreKeys } from '../account/prekeys.ts'
import type { PreKeyBatch } from '../account/prekeys.ts'
import { sweep } from '../account/upkeep.ts'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { systemRandom } from '../platform/random.ts'
import { writeDeviceList } from '../store/device-lists.ts'
import { takePreKeyIds, writePreKeys } from '../store/prekeys.ts'
import { deleteAllSessions, readSession } from '../store/sessions.ts'
import { memoryCore } from '../testing/test-core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { own, peer, peerDevice } from '../testing/test-store.ts'
import { Ratchets } from './sessions.ts'

const dayMs = 86_400_000
const random = systemRandom
const identity = generateKeyPair(random)
const device: ListedDevice = { id: peerDevice, number: 3, identityKey: identity.publicKey }
const plaintext = new Uint8Array(80).fill(7)
const list = {
  account: peer,
  version: 1,
  rootKey: identity.publicKey,
  previous: new Uint8Array(),
  devices: [device],
}
/** As if its signature had been checked. */
const listed: VerifiedList = {
  list,
  signed: {
    body: encodeDeviceList(list),
    signer: new Uint8Array(),
    signature: new Uint8Array(64),
  },
  hash: new Uint8Array(32),
}

let clock: HandClock
let core: Core
/** What the server has of ours. */
let batch: PreKeyBatch
/** The peer's side. */
let record: SessionRecord | undefined

beforeEach(() => {
  clock = new HandClock(400 * dayMs)
  core = memoryCore(clock)
  writeDeviceList(core.store, listed)
  rotate()
  record = undefined
})

function rotate(): void {
  const wanted = { oneTime: 1, oneTimeKyber: 1 }
  const { store } = core
  const firstId = store.transaction(() => takePreKeyIds(store, 4))
  batch = makePreKeys({ identity: ownAccount(core).identity, firstId, wanted, random })
  store.transaction(() => writePreKeys(store, batch, clock.now()))
}

function peerParties(by = identity) {
  const address = { account: peer, device: device.number }
  const local: LocalIdentity = { address, identity: by, registrationId: 9 }
  const remote = { account: own, device: ownAccount(core).deviceNumber }
  return { local, remote, random, nowMs: clock.now(), curve: nobleCurve }
}

/** With a one-time key of each kind, or with the last resort alone. */
async function connect({ oneTime }: { oneTime: boolean }, by = identity): Promise<void> {
  const [kyber, oneTimePreKey] = oneTime ? [batch.oneTimeKyber[0], batch.oneTime[0]] : []
  const bundle: PreKeyBundle = {
    registrationId: 1,
    identityKey: ownAccount(core).identity.publicKey,
    signedPreKey: batch.signed,
    kyberPreKey: kyber ?? batch.kyber,
    oneTimePreKey,
  }
  record = await createSession({ ...peerParties(by), bundle, record: undefined })
}

async function sealedByPeer(by = identity) {
  if (!record) throw new Error('not connected')
  const sealed = await encryptMessage({ ...peerParties(by), record, plaintext })
  record = sealed.record
  return sealed
}

type Sealed = Awaited<ReturnType<typeof sealedByPeer>>

async function open(sealed: Sealed, keep = (opened: Uint8Array) => opened): Promise<Uint8Array> {
  const ratchets = new Ratchets(core)
  try {
    return await ratchets.open(peer, device, sealed, keep)
  } finally {
    core.store.transaction(() => ratchets.write())
  }
}

/** So that the peer says nothing more about prekeys. */
async function answer(): Promise<void> {
  const ratchets = new Ratchets(core)
  const { ciphertext } = await ratchets.seal(peer, device, plaintext)
  core.store.transaction(() => ratchets.write())
  if (!record) throw new Error('not connected')
  record = (await decryptMessage({ ...peerParties(), record, ciphertext })).record
}

const countOf = (table: string) => core.store.all(`SELECT * FROM ${table}`).length
const loseSessions = () => core.store.transaction(() => deleteAllSessions(core.store))

test('[E8] one-time prekeys go with the commit of the session that they began', async () => {
  await connect({ oneTime: true })
  const first = await sealedByPeer()
  expect([countOf('one_time_prekeys'), countOf('kyber_prekeys')]).toEqual([1, 2])
  expect(await open(first)).toEqual(plaintext)
  expect([countOf('one_time_prekeys'), countOf('kyber_prekeys')]).toEqual([0, 1])
  expect(countOf('signed_prekeys')).toBe(1)
  loseSessions()
  await expect(open(first)).rejects.toMatchObject({ code: 'missing-prekey' })
})

test('[E8] without one-time prekeys too, a first message opens nothing once its session is lost', async () => {
  await connect({ oneTime: false })
  const first = await sealedByPeer()
  await open(first)
  await expect(open(first)).rejects.toMatchObject({ code: 'duplicate' })
  loseSessions()
  await expect(open(first)).rejects.toMatchObject({ code: 'missing-prekey' })
})

test('[E8] a base key is remembered as long as the prekeys that it was used with', async () => {
  await connect({ oneTime: false })
  const first = await sealedByPeer()
  await open(first)
  loseSessions()
  await clock.advance(7 * dayMs)
  rotate()
  await clock.advance(29 * dayMs)
  sweep(core)
  await expect(open(first)).rejects.toMatchObject({ code: 'missing-prekey' })
  expect(countOf('used_base_keys')).toBe(1)
  await clock.advance(2 * dayMs)
  sweep(core)
  expect(countOf('used_base_keys')).toBe(0)
  await expect(open(first)).rejects.toMatchObject({ code: 'missing-prekey' })
})

test('[E9] a first message to prekeys that were replaced opens for thirty days', async () => {
  await connect({ oneTime: false })
  const [early, late] = [await sealedByPeer(), await sealedByPeer()]
  rotate()
  await clock.advance(30 * dayMs - 1)
  sweep(core)
  expect(await open(early)).toEqual(plaintext)
  loseSessions()
  await clock.advance(2)
  sweep(core)
  expect([countOf('signed_prekeys'), countOf('kyber_prekeys')]).toEqual([1, 3])
  await expect(open(late)).rejects.toMatchObject({ code: 'missing-prekey' })
})

test('[E5] a first message that is refused for what it holds leaves no trace', async () => {
  await connect({ oneTime: true })
  const first = await sealedByPeer()
  const refusing = () => {
    throw new Error('the inside and the outside disagree')
  }
  await expect(open(first, refusing)).rejects.toThrow('disagree')
  expect(readSession(core.store, { account: peer, device: peerDevice })).toBeUndefined()
  expect([countOf('one_time_prekeys'), countOf('used_base_keys')]).toEqual([1, 0])
  expect(await open(first)).toEqual(plaintext)
})

test('[E5] a later message that is refused for what it holds leaves the ratchet as it was', async () => {
  await connect({ oneTime: true })
  await open(await sealedByPeer())
  await answer()
  const later = await sealedByPeer()
  expect(later.type).toBe('message')
  const before = readSession(core.store, { account: peer, device: peerDevice })
  const refusing = () => {
    throw new Error('the inside and the outside disagree')
  }
  await expect(open(later, refusing)).rejects.toThrow('disagree')
  expect(readSession(core.store, { account: peer, device: peerDevice })).toEqual(before)
  expect(await open(later)).toEqual(plaintext)
})

test('[E10] a first message under another identity key than the listed one opens nothing', async () => {
  const stranger = generateKeyPair(random)
  await connect({ oneTime: true }, stranger)
  await expect(open(await sealedByPeer(stranger))).rejects.toMatchObject({
    code: 'untrusted-identity',
  })
  expect(countOf('one_time_prekeys')).toBe(1)
})

test('[E23] messages of one batch never have a key in common', async () => {
  await connect({ oneTime: true })
  await open(await sealedByPeer())
  const used: string[] = []
  core.observeMessageKey = (id) => used.push(id)
  const ratchets = new Ratchets(core)
  for (let i = 0; i < 3; i++) await ratchets.seal(peer, device, plaintext)
  expect(used).toEqual([])
  core.store.transaction(() => ratchets.write())
  ratchets.committed()
  expect(new Set(used).size).toBe(3)
})
