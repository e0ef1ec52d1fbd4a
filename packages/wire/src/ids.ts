/**
 * Identifiers as branded strings, and their 16- or 17-byte form on the wire. Everything from
 * outside is parsed here once; inside, the types are trusted.
 */
import { WireError } from './wire-error.ts'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** Lower-case UUID; never changes, whatever happens to the number. */
export type AccountId = Branded<'AccountId'>
/** 32 hex digits, random, never used twice. */
export type DeviceId = Branded<'DeviceId'>
/** 32 hex digits made by the sending device; kept through every retry and re-encryption. */
export type MessageId = Branded<'MessageId'>
/** `inbox:<account id>`: one inbox per account. */
export type LogId = Branded<'LogId'>

const idBytes = 16
const logIdBytes = 17
const inboxKind = 1
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
/** Value of each hex digit by its character code. */
const digitOfCode = new Uint8Array(128)
for (let digit = 0; digit < 16; digit++) digitOfCode[digit.toString(16).charCodeAt(0)] = digit
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const hexIdPattern = /^[0-9a-f]{32}$/

export function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += hexOfByte[byte]
  return hex
}

/** Throws a WireError unless the text is an even number of hex digits. */
export function fromHex(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || /[^0-9a-f]/.test(hex)) throw new WireError('not hex digits')
  return hexBytes(hex)
}

function hexBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2)
  for (let index = 0; index < bytes.length; index++) bytes[index] = byteAt(hex, index * 2)
  return bytes
}

function byteAt(hex: string, index: number): number {
  const high = digitOfCode[hex.charCodeAt(index)] ?? 0
  return (high << 4) | (digitOfCode[hex.charCodeAt(index + 1)] ?? 0)
}

function hexAt(bytes: Uint8Array, start: number, end: number): string {
  let hex = ''
  for (let index = start; index < end; index++) hex += hexOfByte[bytes[index] ?? 0]
  return hex
}

export function parseAccountId(text: string): AccountId {
  if (!uuidPattern.test(text)) throw new WireError('an account id is a lower-case UUID')
  return text as AccountId
}

export function parseDeviceId(text: string): DeviceId {
  if (!hexIdPattern.test(text)) throw new WireError('a device id is 32 hex digits')
  return text as DeviceId
}

export function parseMessageId(text: string): MessageId {
  if (!hexIdPattern.test(text)) throw new WireError('a message id is 32 hex digits')
  return text as MessageId
}

export function parseLogId(text: string): LogId {
  if (!text.startsWith('inbox:')) throw new WireError('a log id names its kind')
  return inboxOf(parseAccountId(text.slice('inbox:'.length)))
}

/** A version-4 UUID from 16 random bytes (RFC 9562 section 5.4). */
export function accountIdFromRandom(random: Uint8Array): AccountId {
  const bytes = expectLength(random, idBytes, 'randomness').slice()
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return accountIdOf(bytes)
}

export function accountIdOf(bytes: Uint8Array): AccountId {
  return accountIdAt(expectLength(bytes, idBytes, 'an account id'), 0)
}

export function deviceIdOf(bytes: Uint8Array): DeviceId {
  return deviceIdAt(expectLength(bytes, idBytes, 'a device id'), 0)
}

export function messageIdOf(bytes: Uint8Array): MessageId {
  return messageIdAt(expectLength(bytes, idBytes, 'a message id'), 0)
}

export function logIdOf(bytes: Uint8Array): LogId {
  return logIdAt(expectLength(bytes, logIdBytes, 'a log id'), 0)
}

/** The id whose bytes start there; the caller knows that they are all there. */
export function accountIdAt(bytes: Uint8Array, at: number): AccountId {
  return uuidAt(bytes, at, '') as AccountId
}

export function deviceIdAt(bytes: Uint8Array, at: number): DeviceId {
  return hexAt(bytes, at, at + idBytes) as DeviceId
}

export function messageIdAt(bytes: Uint8Array, at: number): MessageId {
  return hexAt(bytes, at, at + idBytes) as MessageId
}

export function logIdAt(bytes: Uint8Array, at: number): LogId {
  if (bytes[at] !== inboxKind) throw new WireError('unknown kind of log')
  return uuidAt(bytes, at + 1, 'inbox:') as LogId
}

function uuidAt(bytes: Uint8Array, at: number, before: string): string {
  let text = before
  for (let index = 0; index < idBytes; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += '-'
    text += hexOfByte[bytes[at + index] ?? 0]
  }
  return text
}

export function accountIdBytes(id: AccountId): Uint8Array {
  const bytes = new Uint8Array(idBytes)
  writeAccountId(id, bytes, 0)
  return bytes
}

export function deviceIdBytes(id: DeviceId): Uint8Array {
  return hexBytes(id)
}

export function messageIdBytes(id: MessageId): Uint8Array {
  return hexBytes(id)
}

export function logIdBytesOf(id: LogId): Uint8Array {
  const bytes = new Uint8Array(logIdBytes)
  bytes[0] = inboxKind
  writeAccountId(accountOfInbox(id), bytes, 1)
  return bytes
}

export function writeAccountId(id: AccountId, bytes: Uint8Array, at: number): void {
  let from = 0
  for (let index = 0; index < idBytes; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) from++
    bytes[at + index] = byteAt(id, from)
    from += 2
  }
}

export function writeHexId(id: DeviceId | MessageId, bytes: Uint8Array, at: number): void {
  for (let index = 0; index < idBytes; index++) bytes[at + index] = byteAt(id, index * 2)
}

/** Whether these bytes are that device's id. */
export function isDeviceAt(id: DeviceId, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < idBytes; index++) {
    if (bytes[at + index] !== byteAt(id, index * 2)) return false
  }
  return true
}

export function inboxOf(account: AccountId): LogId {
  return `inbox:${account}` as LogId
}

export function accountOfInbox(log: LogId): AccountId {
  return log.slice('inbox:'.length) as AccountId
}

function expectLength(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length !== length) throw new WireError(`${what} has ${length} bytes`)
  return bytes
}
