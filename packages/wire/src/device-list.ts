/**
 * The signed device list as typed values, and the one rule by which a list continues another. The
 * signature check comes in as a function, since this package knows no cryptography.
 */
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { SignedDeviceList } from './frames.ts'
import { deviceIdOf } from './ids.ts'
import type { AccountId, DeviceId } from './ids.ts'
import { devicesPerAccountMax } from './limits.ts'
import { parsed, required } from './parse.ts'
import { WireError } from './wire-error.ts'

export interface ListedDevice {
  id: DeviceId
  /** 1..127. */
  number: number
  /** 33 bytes: 0x05, then the Curve25519 key. */
  identityKey: Uint8Array
}

export interface DeviceList {
  account: AccountId
  version: number
  rootKey: Uint8Array
  /** SHA-256 of the signed body before; empty in version 1. */
  previous: Uint8Array
  devices: ListedDevice[]
}

const signaturePrefix = new TextEncoder().encode('Parley device list v1\0')
const publicKeyBytes = 33
const hashBytes = 32
const deviceNumberMax = 127
const noBytes = new Uint8Array()
const writer = new ByteWriter()

/** What is signed for a list with this body. */
export function deviceListSigningInput(body: Uint8Array): Uint8Array {
  const input = new Uint8Array(signaturePrefix.length + body.length)
  input.set(signaturePrefix)
  input.set(body, signaturePrefix.length)
  return input
}

export function encodeDeviceList(list: DeviceList): Uint8Array {
  writer.begin()
  for (const device of list.devices.toReversed()) {
    const mark = writer.mark()
    writer.view(3, device.identityKey)
    writer.uint(2, device.number)
    writer.id(1, device.id)
    writer.nested(5, mark)
  }
  writer.view(4, list.previous)
  writer.view(3, list.rootKey)
  writer.uint(2, list.version)
  writer.account(1, list.account)
  return writer.finish()
}

/** Throws a WireError when the body is malformed or breaks a bound. */
export function decodeDeviceList(body: Uint8Array): DeviceList {
  const list = parsed('the device list', () => readDeviceList(new ByteReader(body)))
  checkBounds(list)
  return list
}

function readDeviceList(reader: ByteReader): DeviceList {
  let account: AccountId | undefined
  let version = 0
  let rootKey: Uint8Array = noBytes
  let previous: Uint8Array = noBytes
  const devices: ListedDevice[] = []
  while (reader.next()) {
    if (reader.field === 1) account = reader.account()
    else if (reader.field === 2) version = reader.uint()
    else if (reader.field === 3) rootKey = reader.view()
    else if (reader.field === 4) previous = reader.view()
    else if (reader.field === 5) devices.push(readDevice(reader.nested()))
    else reader.skip()
  }
  return { account: required(account, 'the account'), version, rootKey, previous, devices }
}

function readDevice(reader: ByteReader): ListedDevice {
  let id: DeviceId | undefined
  let number = 0
  let identityKey: Uint8Array = noBytes
  while (reader.next()) {
    if (reader.field === 1) id = reader.device()
    else if (reader.field === 2) number = reader.uint32()
    else if (reader.field === 3) identityKey = reader.view()
    else reader.skip()
  }
  return { id: required(id, 'the id of a device'), number, identityKey }
}

function checkBounds(list: DeviceList): void {
  const keys = [list.rootKey, ...list.devices.map((device) => device.identityKey)]
  const numbers = new Set(list.devices.map((device) => device.number))
  const ids = new Set(list.devices.map((device) => device.id))
  // E24: no two devices hold one key.
  const identities = new Set(list.devices.map((device) => device.identityKey.join()))
  const valid =
    Number.isSafeInteger(list.version) &&
    list.version >= 1 &&
    list.previous.length === (list.version === 1 ? 0 : hashBytes) &&
    list.devices.length >= 1 &&
    list.devices.length <= devicesPerAccountMax &&
    numbers.size === list.devices.length &&
    ids.size === list.devices.length &&
    identities.size === list.devices.length &&
    [...numbers].every((number) => number >= 1 && number <= deviceNumberMax) &&
    keys.every((key) => key.length === publicKeyBytes && key[0] === 5)
  if (!valid) throw new WireError('the device list breaks a bound')
}

/** What the check of a list needs from a cryptography package. */
export interface ListCrypto {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  sha256(bytes: Uint8Array): Uint8Array
}

export interface VerifiedList {
  list: DeviceList
  signed: SignedDeviceList
  /** SHA-256 of the signed body: how envelopes and contents refer to it. */
  hash: Uint8Array
}

/**
 * The list, if it is a valid version 1 (`previous` undefined) or continues `previous`: next
 * version, same account and root, its hash, signed by a device on it or by the root (design:
 * "Device list"). Throws a WireError otherwise.
 */
export function verifyDeviceList(
  signed: SignedDeviceList,
  previous: VerifiedList | undefined,
  crypto: ListCrypto,
): VerifiedList {
  const list = decodeDeviceList(signed.body)
  if (previous) {
    const continues =
      list.account === previous.list.account &&
      list.version === previous.list.version + 1 &&
      sameBytes(list.rootKey, previous.list.rootKey) &&
      sameBytes(list.previous, previous.hash)
    if (!continues) throw new WireError('the device list does not continue the one before')
  } else if (list.version !== 1) {
    throw new WireError('the first device list has version 1')
  }
  const input = deviceListSigningInput(signed.body)
  if (!crypto.verify(signerKey(signed, list, previous), input, signed.signature)) {
    throw new WireError('the signature of the device list is wrong')
  }
  return { list, signed, hash: crypto.sha256(signed.body) }
}

function signerKey(
  signed: SignedDeviceList,
  list: DeviceList,
  previous: VerifiedList | undefined,
): Uint8Array {
  if (signed.signer.length === 0) return list.rootKey
  const signer = deviceIdOf(signed.signer)
  const device = previous?.list.devices.find((each) => each.id === signer)
  if (!device) throw new WireError('the signer is not on the device list before')
  return device.identityKey
}

/** Verifies a chain from version 1; the last one is the list in force. Throws a WireError. */
export function verifyDeviceChain(
  chain: readonly SignedDeviceList[],
  crypto: ListCrypto,
): VerifiedList {
  let verified: VerifiedList | undefined
  for (const signed of chain) verified = verifyDeviceList(signed, verified, crypto)
  if (!verified) throw new WireError('there is no device list')
  return verified
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
