/**
 * A ratchet is with the identity key that the list in force names, whatever changes while one is
 * being begun or stepped (E10): a server answers when it likes.
 */
import { beforeEach, expect, test } from 'bun:test'
import {
  createSession,
  encryptMessage,
  generateKeyPair,
  generateKyberPreKey,
  generateSignedPreKey,
  sign,
} from '@parley/crypto'
import type { KeyPair, SignedPreKey } from '@parley/crypto'
import { nobleCurve } from '@parley/crypto/reference'
import { deviceListSigningInput, encodeDeviceList, toBase64 } from '@parley/wire'
import type { AccountId, SignedDeviceList } from '@parley/wire'
import { makePreKeys } from '../account/prekeys.ts'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { Api } from '../http/api.ts'
import { systemRandom } from '../platform/random.ts'
import { composeText } from '../sending/compose.ts'
import { sealNext } from '../sending/sealing.ts'
import { writeAccount } from '../store/account.ts'
import { readUnsealed } from '../store/outbox.ts'
import { takePreKeyIds, writePreKeys } from '../store/prekeys.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { readSession, StaleSession } from '../store/sessions.ts'
import { memoryCore } from '../testing/test-core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { own, peer, peerDevice } from '../testing/test-store.ts'
import { learnLists } from './devices.ts'
import { beginSessions, Ratchets } from './sessions.ts'

const random = systemRandom
const remote = { account: peer, device: peerDevice }
const peerNumber = 3
/** Of the person, and of a server that shows keys of its own for the same device first. */
const [genuine, forged] = [
  { root: generateKeyPair(random), identity: generateKeyPair(random) },
  { root: generateKeyPair(random), identity: generateKeyPair(random) },
]

function listOf(account: AccountId, root: KeyPair, identity: KeyPair): SignedDeviceList {
  const { publicKey: rootKey } = root
  const devices = [{ id: peerDevice, number: peerNumber, identityKey: identity.publicKey }]
  const body = encodeDeviceList({
    account,
    version: 1,
    rootKey,
    previous: new Uint8Array(),
    devices,
  })
  const signature = sign(root.privateKey, deviceListSigningInput(body), random)
  return { body, signer: new Uint8Array(), signature }
}

const listOfPeer = ({ root, identity }: typeof genuine) => [listOf(peer, root, identity)]

const signedJson = ({ id, publicKey, signature }: Omit<SignedPreKey, 'privateKey'>) => ({
  id,
  public_key: toBase64(publicKey),
  signature: toBase64(signature),
})

function bundleJson(identity: KeyPair) {
  return {
    device: peerDevice,
    registration_id: 1,
    signed_prekey: signedJson(generateSignedPreKey({ identity, id: 1, random })),
    kyber_prekey: signedJson(generateKyberPreKey({ identity, id: 2, random })),
  }
}

let clock: HandClock
let core: Core

beforeEach(() => {
  clock = new HandClock(1_000)
  core = memoryCore(clock)
  learnLists(core, own, [listOf(own, genuine.root, ownAccount(core).identity)])
  learnLists(core, peer, listOfPeer(forged))
})

/** A server that gives these bundles, and does something before that. */
function serve(bundles: readonly unknown[], before: () => void): void {
  const { store } = core
  const tokens = { accessToken: 'access', accessExpiresAtMs: 1e9, refreshToken: 'refresh' }
  writeAccount(store, ownAccount(core), tokens)
  const transport = {
    openSocket: () => {
      throw new Error('not used')
    },
    async fetch(): Promise<Response> {
      before()
      return Response.json({ bundles })
    },
  }
  core.api = new Api({ server: 'http://127.0.0.1:1', transport, clock, random, store })
}

test('[E10] a bundle that was asked for under another root begins nothing', async () => {
  composeText(core, peer, 'a secret', undefined)
  serve([bundleJson(forged.identity)], () => learnLists(core, peer, listOfPeer(genuine)))
  await expect(sealNext(core, peer)).rejects.toBeInstanceOf(StaleSession)
  expect(readSession(core.store, remote)).toBeUndefined()
  expect(readUnsealed(core.store, peer, 10)).toHaveLength(1)
})

test('[E7] however many bundles a server gives for one device, one session begins', async () => {
  const list = readDeviceList(core.store, peer)
  if (!list) throw new Error('the list is there')
  serve(Array(42).fill(bundleJson(forged.identity)), () => {})
  await beginSessions(core, { list, devices: list.list.devices, renew: true })
  expect(readSession(core.store, remote)?.version).toBe(1)
})

test('[E10] a first message that is opened while the root changes leaves no session', async () => {
  const wanted = { oneTime: 0, oneTimeKyber: 0 }
  const { store } = core
  const { identity, deviceNumber } = ownAccount(core)
  const firstId = store.transaction(() => takePreKeyIds(store, 2))
  const batch = makePreKeys({ identity, firstId, wanted, random })
  store.transaction(() => writePreKeys(store, batch, clock.now()))
  const address = { account: peer, device: peerNumber }
  const parties = {
    local: { address, identity: forged.identity, registrationId: 9 },
    remote: { account: own, device: deviceNumber },
  }
  const outside = { random, nowMs: clock.now(), curve: nobleCurve }
  const bundle = {
    registrationId: 1,
    identityKey: identity.publicKey,
    signedPreKey: batch.signed,
    kyberPreKey: batch.kyber,
    oneTimePreKey: undefined,
  }
  const record = await createSession({ ...parties, ...outside, bundle, record: undefined })
  const plaintext = new Uint8Array(80)
  const sealed = await encryptMessage({ ...parties, ...outside, record, plaintext })
  const ratchets = new Ratchets(core)
  const device = { id: peerDevice, number: peerNumber, identityKey: forged.identity.publicKey }
  await ratchets.open(peer, device, sealed, (opened) => opened)
  learnLists(core, peer, listOfPeer(genuine))
  expect(() => store.transaction(() => ratchets.write())).toThrow(StaleSession)
  expect(readSession(store, remote)).toBeUndefined()
})
