/**
 * The keys of a new device, and the signed list that names it. Nothing here talks to the server.
 */
import {
  generateKeyPair,
  type KeyPair,
  newRecoveryKey,
  parseRecoveryKey,
  rootKeyPair,
  sha256,
  sign,
  verify,
} from '@parley/crypto'
import {
  type AccountId,
  type DeviceId,
  type DeviceList,
  deviceIdBytes,
  deviceIdOf,
  deviceListSigningInput,
  encodeDeviceList,
  fromBase64,
  type ListCrypto,
  type ListedDevice,
  oneTimePreKeysPerUpload,
  type SignedDeviceList,
  type SignedListJson,
  toBase64,
  type VerifiedList,
  verifyDeviceList,
  WireError,
} from '@parley/wire'
import type { PendingKeys } from './pending-device.ts'
import type { RandomBytes } from '../platform/ports.ts'
import { makePreKeys, type PreKeyBatch } from './prekeys.ts'
import { parleyError } from '../problems.ts'
import { takePreKeyIds } from '../store/prekeys.ts'
import type { Store } from '../store/store.ts'

const listCrypto: ListCrypto = { verify, sha256 }
const registrationIdMax = 16_380
const deviceNumberMax = 127
const wanted = { oneTime: oneTimePreKeysPerUpload, oneTimeKyber: oneTimePreKeysPerUpload }

export interface NewDevice {
  id: DeviceId
  identity: KeyPair
  registrationId: number
  preKeys: PreKeyBatch
}

export function newDevice(store: Store, random: RandomBytes): NewDevice {
  const identity = generateKeyPair(random)
  const firstId = takePreKeyIds(store, 2 + wanted.oneTime + wanted.oneTimeKyber)
  return {
    id: deviceIdOf(random(16)),
    identity,
    registrationId: registrationId(random),
    preKeys: makePreKeys({ identity, firstId, wanted, random }),
  }
}

/** 1 to 16,380, as libsignal has it; it need not be secret or evenly drawn. */
function registrationId(random: RandomBytes): number {
  const [high = 0, low = 0] = random(2)
  return (((high << 8) | low) % registrationIdMax) + 1
}

/**
 * A chain of the account that names this device alone: a new one, or the old one continued by its
 * root.
 */
export function chainOf(options: {
  account: AccountId
  device: NewDevice
  /** Undefined: a new root begins a new chain. */
  before: VerifiedList | undefined
  root: KeyPair
  random: RandomBytes
}): { signed: SignedDeviceList; listed: ListedDevice } {
  const { account, before, device, root, random } = options
  const listed = listedDevice(device, before)
  const list = {
    account,
    version: (before?.list.version ?? 0) + 1,
    rootKey: root.publicKey,
    previous: before?.hash ?? new Uint8Array(),
    devices: [listed],
  }
  return { signed: signList(list, { id: undefined, key: root.privateKey }, random), listed }
}

/** The list after `before` with the new device in the old one's place, signed by the old one. */
export function replacingList(options: {
  before: VerifiedList
  device: NewDevice
  old: { id: DeviceId; identity: KeyPair }
  random: RandomBytes
}): { signed: SignedDeviceList; listed: ListedDevice } {
  const { before, device, old, random } = options
  const listed = listedDevice(device, before)
  const others = before.list.devices.filter((each) => each.id !== old.id)
  const list = {
    ...before.list,
    version: before.list.version + 1,
    previous: before.hash,
    devices: [...others, listed],
  }
  return { signed: signList(list, { id: old.id, key: old.identity.privateKey }, random), listed }
}

/**
 * With the next number that no device of the list before has. Throws ParleyError `no-crypto` when a
 * key comes up twice (E24).
 */
function listedDevice(device: NewDevice, before: VerifiedList | undefined): ListedDevice {
  const others = before?.list.devices ?? []
  const identityKey = device.identity.publicKey
  const key = toBase64(identityKey)
  if (others.some((other) => other.id === device.id || toBase64(other.identityKey) === key)) {
    throw parleyError('no-crypto')
  }
  const taken = new Set(others.map((other) => other.number))
  let number = others.reduce((highest, other) => Math.max(highest, other.number), 0)
  do number = (number % deviceNumberMax) + 1
  while (taken.has(number))
  return { id: device.id, number, identityKey }
}

function signList(
  list: DeviceList,
  signer: { id: DeviceId | undefined; key: Uint8Array },
  random: RandomBytes,
): SignedDeviceList {
  const body = encodeDeviceList(list)
  const signature = sign(signer.key, deviceListSigningInput(body), random)
  const id = signer.id === undefined ? new Uint8Array() : deviceIdBytes(signer.id)
  return { body, signer: id, signature }
}

/**
 * All lists of the chain, each verified against the one before; `known` is where it goes on. Throws
 * a WireError.
 */
export function verifiedChain(
  chain: readonly SignedDeviceList[],
  known: VerifiedList | undefined,
): VerifiedList[] {
  const verified: VerifiedList[] = []
  for (const signed of chain) {
    verified.push(verifyDeviceList(signed, verified.at(-1) ?? known, listCrypto))
  }
  return verified
}

/** The root of a registration: from the key that the person has, or from a new one. */
export function rootOf(
  typed: string | undefined,
  random: RandomBytes,
): { root: KeyPair; newKey: string } {
  const newKey = typed === undefined ? newRecoveryKey(random) : ''
  return { root: rootKeyPair(typed ?? newKey), newKey }
}

/** Throws ParleyError when the text cannot be a recovery key. */
export function typedRecoveryKey(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const key = parseRecoveryKey(text)
  if (key !== undefined) return key
  const says = 'That is not a recovery key: it has 64 letters and digits. Check what you typed.'
  throw parleyError('refused', undefined, says)
}

export function pendingKeys(
  device: NewDevice,
  account: AccountId,
  listed: ListedDevice,
): PendingKeys {
  return {
    account,
    device: device.id,
    number: listed.number,
    identityPublic: toBase64(device.identity.publicKey),
    identityPrivate: toBase64(device.identity.privateKey),
    registrationId: device.registrationId,
  }
}

export function listJson(signed: SignedDeviceList): SignedListJson {
  const { body, signer, signature } = signed
  return { body: toBase64(body), signer: toBase64(signer), signature: toBase64(signature) }
}

/** Throws a WireError when a part is not base64url. */
export function listFromJson(json: SignedListJson): SignedDeviceList {
  const [body, signer, signature] = [json.body, json.signer, json.signature].map(fromBase64)
  if (!body || !signer || !signature) throw new WireError('base64url was expected')
  return { body, signer, signature }
}
