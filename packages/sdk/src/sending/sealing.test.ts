/** What is sealed, and what is not, when trust changes on the way (E1, E10), on tables alone. */
import { beforeEach, expect, test } from 'bun:test'
import {
  createSession,
  generateKeyPair,
  generateKyberPreKey,
  generateSignedPreKey,
  sha256,
  sign,
} from '@parley/crypto'
import type { KeyPair } from '@parley/crypto'
import { deviceListSigningInput, encodeDeviceList } from '@parley/wire'
import type { AccountId, SignedDeviceList } from '@parley/wire'
import { localIdentity, ownAccount, surroundings } from '../core.ts'
import type { Core } from '../core.ts'
import { systemRandom } from '../platform/random.ts'
import { updateContact } from '../store/contacts.ts'
import { readUnsealed } from '../store/outbox.ts'
import { readSession, StaleSession, writeSession } from '../store/sessions.ts'
import { memoryCore } from '../testing/test-core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { own, peer, peerDevice, testDevice } from '../testing/test-store.ts'
import { learnLists } from '../trust/devices.ts'
import { composeText } from './compose.ts'
import { sealNext } from './sealing.ts'

const random = systemRandom
const root = generateKeyPair(random)
const identity = generateKeyPair(random)
const remote = { account: peer, device: peerDevice }

/** As many versions as there are numbers, each with the peer's device and so many more. */
function chainOf(account: AccountId, by: KeyPair, more: readonly number[]): SignedDeviceList[] {
  const chain: SignedDeviceList[] = []
  for (const [at, count] of more.entries()) {
    const before = chain.at(-1)
    const previous = before ? sha256(before.body) : new Uint8Array()
    const others = Array.from({ length: count }, (_, index) => {
      const identityKey = generateKeyPair(random).publicKey
      return { id: testDevice(index + 90), number: index + 90, identityKey }
    })
    const device = { id: peerDevice, number: 3, identityKey: identity.publicKey }
    const devices = [device, ...others]
    const list = { account, version: at + 1, rootKey: by.publicKey, previous, devices }
    const body = encodeDeviceList(list)
    const signature = sign(by.privateKey, deviceListSigningInput(body), random)
    chain.push({ body, signer: new Uint8Array(), signature })
  }
  return chain
}

let core: Core
const grown = chainOf(peer, root, [0, 1])
const message = () => readUnsealed(core.store, peer, 10)
const keys: string[] = []

beforeEach(async () => {
  keys.length = 0
  core = memoryCore(new HandClock(1_000))
  core.observeMessageKey = (id) => keys.push(id)
  learnLists(core, own, chainOf(own, root, [0]))
  learnLists(core, peer, grown.slice(0, 1))
  const bundle = {
    registrationId: 1,
    identityKey: identity.publicKey,
    signedPreKey: generateSignedPreKey({ identity, id: 1, random }),
    kyberPreKey: generateKyberPreKey({ identity, id: 2, random }),
    oneTimePreKey: undefined,
  }
  const record = await createSession({
    local: localIdentity(ownAccount(core)),
    remote: { account: peer, device: 3 },
    bundle,
    record: undefined,
    ...surroundings(core),
  })
  core.store.transaction(() =>
    writeSession(core.store, { ...remote, record, basedOn: 0, renewedAtMs: 0 }),
  )
  composeText(core, peer, 'a secret', undefined)
})

/** Sealed nothing: the ratchet stands where it did, and no key was used. */
async function expectNothingSealed(): Promise<void> {
  const before = readSession(core.store, remote)
  await expect(sealNext(core, peer)).rejects.toBeInstanceOf(StaleSession)
  expect(message()).toHaveLength(1)
  expect(readSession(core.store, remote)).toEqual(before)
  expect(keys).toEqual([])
}

test('what was written is sealed once, with a key that is used once', async () => {
  const before = readSession(core.store, remote)
  expect(await sealNext(core, peer)).toBe(true)
  expect(message()).toEqual([])
  expect(readSession(core.store, remote)?.record).not.toEqual(before?.record as Uint8Array)
  expect(keys).toHaveLength(1)
  expect(await sealNext(core, peer)).toBe(false)
})

test('[E1] nothing is sealed for somebody whose new key is not accepted, whoever asks', async () => {
  updateContact(core.store, peer, { held: true })
  await expectNothingSealed()
  updateContact(core.store, peer, { held: false })
  expect(await sealNext(core, peer)).toBe(true)
})

test('[E10] what was sealed for a list that changes meanwhile never leaves', async () => {
  let isChanged = false
  core.random = (length) => {
    if (!isChanged) learnLists(core, peer, grown)
    isChanged = true
    return random(length)
  }
  await expectNothingSealed()
  expect(isChanged).toBe(true)
})
