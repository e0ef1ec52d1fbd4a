/** Identifiers: parsed once, strictly, and the same on the wire and back. */
import { expect, test } from 'bun:test'
import {
  accountIdBytes,
  accountIdFromRandom,
  accountIdOf,
  accountOfInbox,
  deviceIdBytes,
  deviceIdOf,
  fromHex,
  inboxOf,
  isDeviceAt,
  logIdBytesOf,
  logIdOf,
  messageIdBytes,
  messageIdOf,
  parseAccountId,
  parseDeviceId,
  parseLogId,
  parseMessageId,
  toHex,
} from './ids.ts'
import { WireError } from './wire-error.ts'

const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 17)

test('every byte value goes to hex and back', () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  expect(toHex(all)).toBe(Buffer.from(all).toString('hex'))
  expect(fromHex(toHex(all))).toEqual(all)
})

test('ids go to bytes and back', () => {
  expect(accountIdBytes(accountIdOf(bytes))).toEqual(bytes)
  expect(deviceIdBytes(deviceIdOf(bytes))).toEqual(bytes)
  expect(messageIdBytes(messageIdOf(bytes))).toEqual(bytes)
  const log = inboxOf(accountIdOf(bytes))
  expect(logIdOf(logIdBytesOf(log))).toBe(log)
  expect(accountOfInbox(log)).toBe(accountIdOf(bytes))
  expect(logIdBytesOf(log)).toEqual(new Uint8Array([1, ...bytes]))
})

test('text that is no id is refused', () => {
  const uuid = '00112233-4455-6677-8899-aabbccddeeff'
  const hex = '00112233445566778899aabbccddeeff'
  expect(parseAccountId(uuid)).toBe(accountIdOf(bytes))
  expect(parseDeviceId(hex)).toBe(deviceIdOf(bytes))
  expect(parseMessageId(hex)).toBe(messageIdOf(bytes))
  expect(parseLogId(`inbox:${uuid}`)).toBe(inboxOf(accountIdOf(bytes)))
  for (const bad of ['', 'x', uuid.toUpperCase(), `${uuid} `, uuid.replace('-', ''), `${hex}0`]) {
    expect(() => parseAccountId(bad)).toThrow(WireError)
    expect(() => parseLogId(bad)).toThrow(WireError)
    expect(() => parseDeviceId(`${bad}g`)).toThrow(WireError)
    expect(() => parseMessageId(`${bad}g`)).toThrow(WireError)
  }
  for (const bad of ['0', 'zz', 'AB', '0 ']) expect(() => fromHex(bad)).toThrow(WireError)
})

test('bytes of the wrong length are refused', () => {
  for (const length of [0, 15, 18]) {
    const wrong = new Uint8Array(length)
    for (const parse of [accountIdOf, deviceIdOf, messageIdOf, logIdOf]) {
      expect(() => parse(wrong)).toThrow(WireError)
    }
  }
  expect(() => logIdOf(new Uint8Array(17).fill(9))).toThrow(WireError)
})

test('a new account id is a version-4 UUID', () => {
  for (const fill of [0, 255]) {
    const id = accountIdFromRandom(new Uint8Array(16).fill(fill))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})

test('a device is found in bytes by its whole id', () => {
  const within = new Uint8Array([9, ...bytes, 9])
  expect(isDeviceAt(deviceIdOf(bytes), within, 1)).toBe(true)
  expect(isDeviceAt(deviceIdOf(bytes), within, 0)).toBe(false)
  for (let index = 1; index <= 16; index++) {
    const other = within.slice()
    other[index] = (other[index] ?? 0) ^ 1
    expect(isDeviceAt(deviceIdOf(bytes), other, 1)).toBe(false)
  }
})
