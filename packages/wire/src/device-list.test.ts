/**
 * The signed device list: what continues it, and what does not. Signatures are checked by a
 * function, here Ed25519.
 */
import { describe, expect, test } from 'bun:test'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeDeviceList, deviceListSigningInput, encodeDeviceList } from './device-list.ts'
import { verifyDeviceChain, verifyDeviceList } from './device-list.ts'
import type { DeviceList, ListCrypto, ListedDevice } from './device-list.ts'
import type { SignedDeviceList } from './frames.ts'
import { accountIdOf, deviceIdBytes, deviceIdOf } from './ids.ts'
import { devicesPerAccountMax } from './limits.ts'
import { DeviceListSchema } from './protobuf.fixture.ts'
import { WireError } from './wire-error.ts'

interface Signer {
  publicKey: Uint8Array
  key: KeyObject
}

const publicKeys = new Map<string, KeyObject>()

function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  const bytes = new Uint8Array([5, ...raw])
  publicKeys.set(Buffer.from(bytes).toString('hex'), publicKey)
  return { publicKey: bytes, key: privateKey }
}

const crypto: ListCrypto = {
  verify(publicKey, message, signature) {
    const key = publicKeys.get(Buffer.from(publicKey).toString('hex'))
    return key !== undefined && verify(undefined, message, key, signature)
  },
  sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
}

const root = newSigner()
const account = accountIdOf(new Uint8Array(16).fill(1))
const phone = newSigner()
const laptop = newSigner()
const idOf = (n: number) => deviceIdOf(new Uint8Array(16).fill(n))
const listed = (n: number, signer: Signer): ListedDevice => {
  return { id: idOf(n), number: n, identityKey: signer.publicKey }
}

function signed(list: DeviceList, by: Signer, signer: Uint8Array): SignedDeviceList {
  const body = encodeDeviceList(list)
  const signature = new Uint8Array(sign(undefined, deviceListSigningInput(body), by.key))
  return { body, signer, signature }
}

const noBytes = new Uint8Array()
const first: DeviceList = {
  account,
  version: 1,
  rootKey: root.publicKey,
  previous: noBytes,
  devices: [listed(1, phone)],
}
const firstSigned = signed(first, root, noBytes)
const verified = () => verifyDeviceList(firstSigned, undefined, crypto)
const second = (): DeviceList => ({
  ...first,
  version: 2,
  previous: verified().hash,
  devices: [listed(1, phone), listed(2, laptop)],
})

describe('a device list', () => {
  test('decodes to what was encoded', () => {
    expect(decodeDeviceList(encodeDeviceList(second()))).toEqual(second())
  })

  test('is read and written as the generated protobuf code does: its bytes are signed', () => {
    for (const list of [first, second()]) {
      const bytes = encodeDeviceList(list)
      const again = toBinary(DeviceListSchema, fromBinary(DeviceListSchema, bytes))
      expect(Buffer.from(bytes).equals(again)).toBe(true)
      expect(decodeDeviceList(again)).toEqual(list)
    }
  })

  test('[E10] version 1 is signed by the root, later ones by a device on the one before or the root', () => {
    const { list, hash } = verified()
    expect(list).toEqual(first)
    expect(hash).toEqual(crypto.sha256(firstSigned.body))
    const byPhone = signed(second(), phone, deviceIdBytes(idOf(1)))
    expect(verifyDeviceChain([firstSigned, byPhone], crypto).list.version).toBe(2)
    const byRoot = signed(second(), root, noBytes)
    expect(verifyDeviceChain([firstSigned, byRoot], crypto).list.version).toBe(2)
  })

  test('[E10] what does not continue the list before is refused', () => {
    const other = accountIdOf(new Uint8Array(16).fill(9))
    const wrong: DeviceList[] = [
      { ...second(), version: 3 },
      { ...second(), account: other },
      { ...second(), rootKey: laptop.publicKey },
      { ...second(), previous: new Uint8Array(32) },
    ]
    for (const list of wrong) {
      expect(() => verifyDeviceList(signed(list, root, noBytes), verified(), crypto)).toThrow(
        WireError,
      )
    }
    const late = { ...second(), previous: new Uint8Array(32) }
    expect(() => verifyDeviceList(signed(late, root, noBytes), undefined, crypto)).toThrow(
      WireError,
    )
  })

  test('[E10] a signature by anybody else, or over anything else, is refused', () => {
    const byLaptop = deviceIdBytes(idOf(2))
    const wrong: SignedDeviceList[] = [
      // Not on the list before: a device cannot vouch for itself.
      signed(second(), laptop, byLaptop),
      signed(second(), laptop, noBytes),
      signed(second(), laptop, deviceIdBytes(idOf(1))),
      { ...signed(second(), root, noBytes), signature: firstSigned.signature },
      { ...signed(second(), root, noBytes), signer: new Uint8Array(15) },
    ]
    for (const list of wrong) {
      expect(() => verifyDeviceList(list, verified(), crypto)).toThrow(WireError)
    }
    expect(() => verifyDeviceChain([], crypto)).toThrow(WireError)
  })

  test('a list that breaks a bound is refused', () => {
    const many = Array.from({ length: devicesPerAccountMax + 1 }, (_, n) => listed(n + 1, phone))
    const wrong: DeviceList[] = [
      { ...first, devices: [] },
      { ...first, devices: many },
      { ...first, devices: [listed(1, phone), { ...listed(2, laptop), number: 1 }] },
      { ...first, devices: [listed(1, phone), { ...listed(1, laptop), number: 2 }] },
      { ...first, devices: [{ ...listed(1, phone), number: 0 }] },
      { ...first, devices: [{ ...listed(1, phone), number: 128 }] },
      { ...first, devices: [{ ...listed(1, phone), identityKey: new Uint8Array(33) }] },
      { ...first, rootKey: new Uint8Array(32).fill(5) },
      { ...first, version: 0 },
      { ...first, previous: new Uint8Array(32) },
    ]
    for (const list of wrong) {
      expect(() => decodeDeviceList(encodeDeviceList(list))).toThrow(WireError)
    }
    expect(() => decodeDeviceList(new Uint8Array([1, 2, 3]))).toThrow(WireError)
  })
})
