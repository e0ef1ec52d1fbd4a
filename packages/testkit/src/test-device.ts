/**
 * Devices and roots with real keys, and the lists and prekeys that they hand in, for tests that
 * talk to the HTTP API without the SDK.
 */
import { generateKeyPair, generateSignedPreKey, type KeyPair, sha256, sign } from '@parley/crypto'
import {
  type AccountId,
  type DeviceId,
  deviceIdBytes,
  deviceListSigningInput,
  encodeDeviceList,
  parseDeviceId,
  type PreKeyUpload,
  type SignedDeviceList,
  type SignedListJson,
  toBase64,
  toHex,
} from '@parley/wire'
import { machineRandom as random } from './machine-random.ts'

const kyberKeyBytes = 1569
const kyberKeyType = 8

export interface TestDevice {
  id: DeviceId
  number: number
  identity: KeyPair
}

export interface TestList {
  version: number
  signed: SignedDeviceList
  hash: Uint8Array
}

export function newRoot(): KeyPair {
  return generateKeyPair(random)
}

export function newDevice(number = 1): TestDevice {
  return { id: parseDeviceId(toHex(random(16))), number, identity: generateKeyPair(random) }
}

export interface ListInput {
  account: AccountId
  root: KeyPair
  devices: TestDevice[]
  /** Undefined: version 1. */
  previous: TestList | undefined
  /** Undefined: the root. */
  signer: TestDevice | undefined
}

export function signList(input: ListInput): TestList {
  const { account, root, devices, previous, signer } = input
  const version = (previous?.version ?? 0) + 1
  const body = encodeDeviceList({
    account,
    version,
    rootKey: root.publicKey,
    previous: previous?.hash ?? new Uint8Array(),
    devices: devices.map(({ id, number, identity }) => ({
      id,
      number,
      identityKey: identity.publicKey,
    })),
  })
  const { privateKey } = signer?.identity ?? root
  const signature = sign(privateKey, deviceListSigningInput(body), random)
  const signed = { body, signer: signer ? deviceIdBytes(signer.id) : new Uint8Array(), signature }
  return { version, signed, hash: sha256(body) }
}

export function listJson({ body, signer, signature }: SignedDeviceList): SignedListJson {
  return { body: toBase64(body), signer: toBase64(signer), signature: toBase64(signature) }
}

export interface UploadInput {
  device: TestDevice
  /** Ids of the one-time keys start here. */
  firstId: number
  oneTime: number
  oneTimeKyber: number
}

/** Kyber keys of the right form and signature; nobody can decapsulate with them. */
export function preKeyUpload(input: UploadInput): PreKeyUpload {
  const { device, firstId } = input
  const ids = (count: number) => Array.from({ length: count }, (_, index) => firstId + index)
  const signed = generateSignedPreKey({ identity: device.identity, id: firstId, random })
  return {
    registration_id: 7,
    signed_prekey: {
      id: signed.id,
      public_key: toBase64(signed.publicKey),
      signature: toBase64(signed.signature),
    },
    kyber_prekey: kyberKey(device, firstId),
    one_time_prekeys: ids(input.oneTime).map((id) => ({
      id,
      public_key: toBase64(generateKeyPair(random).publicKey),
    })),
    one_time_kyber_prekeys: ids(input.oneTimeKyber).map((id) => kyberKey(device, id)),
  }
}

function kyberKey(device: TestDevice, id: number) {
  const publicKey = Uint8Array.of(kyberKeyType, ...random(kyberKeyBytes - 1))
  const signature = sign(device.identity.privateKey, publicKey, random)
  return { id, public_key: toBase64(publicKey), signature: toBase64(signature) }
}

/** What the grant `device_signature` wants signed. */
export function signBytes(device: TestDevice, bytes: Uint8Array): Uint8Array {
  return sign(device.identity.privateKey, bytes, random)
}
