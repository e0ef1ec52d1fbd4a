// How the sessions with one device are stored:
//
//   record   version u8, identity key of the peer (33), has-current u8, session count u8,
//            sessions (newest first): length u32, session
//   session  base key (33), root key (32),
//            sending chain: private (32) and public (33) ratchet key, chain key (32), index u32,
//            previous counter u32, chain count u8,
//            receiving chains (oldest first): ratchet key (33), chain key (32), index u32,
//              skipped keys: length u32, bytes,
//            post-quantum ratchet: length u32, bytes,
//            unanswered u8; if 1: created f64, signed prekey u32, Kyber prekey u32,
//              has-one-time u8, one-time prekey u32, Kyber ciphertext: length u32, bytes
//
// Sessions stay encoded until one is needed, since a record may hold many that never are.

import { equalBytes } from './bytes.ts'
import { ByteReader, ByteWriter } from './encode.ts'
import { CryptoError } from './errors.ts'
import { type Chain, type ReceivingChain, type SendingChain, SKIPPED_KEY_BYTES } from './ratchet.ts'
import type { Session, Unanswered } from './session.ts'
import type { SessionRecord } from './types.ts'

const VERSION = 1
const ARCHIVED_SESSIONS_MAX = 40

export type EncodedSession = Uint8Array

/** A record taken apart. The current session, when there is one, is the first. */
export interface SessionList {
  remoteIdentity: Uint8Array
  hasCurrent: boolean
  sessions: readonly EncodedSession[]
}

export function decodeRecord(record: SessionRecord): SessionList {
  const reader = new ByteReader(record)
  if (reader.uint8() !== VERSION) {
    throw new CryptoError('invalid-state', 'the session record is of another version')
  }
  const remoteIdentity = reader.bytes(33)
  const hasCurrent = reader.uint8() === 1
  const count = reader.uint8()
  const sessions = Array.from({ length: count }, () => reader.prefixed())
  reader.end()
  return { remoteIdentity, hasCurrent, sessions }
}

/** Keeps the current session and the newest of the archived ones. */
export function encodeRecord({ remoteIdentity, hasCurrent, sessions }: SessionList): SessionRecord {
  const kept = sessions.slice(0, ARCHIVED_SESSIONS_MAX + (hasCurrent ? 1 : 0))
  const lengths = kept.reduce((sum, session) => sum + session.length + 4, 0)
  const writer = new ByteWriter(36 + lengths)
  writer.uint8(VERSION)
  writer.bytes(remoteIdentity)
  writer.uint8(hasCurrent ? 1 : 0)
  writer.uint8(kept.length)
  for (const session of kept) writer.prefixed(session)
  return writer.finish()
}

/** Sessions with one identity key never mix with those of another. */
export function listFor(
  record: SessionRecord | undefined,
  remoteIdentity: Uint8Array,
): SessionList {
  if (record === undefined) return { remoteIdentity, hasCurrent: false, sessions: [] }
  const list = decodeRecord(record)
  if (!equalBytes(list.remoteIdentity, remoteIdentity)) {
    throw new CryptoError('untrusted-identity', 'the identity key differs from that of the record')
  }
  return list
}

export function withCurrent(list: SessionList, session: EncodedSession): SessionList {
  return { ...list, hasCurrent: true, sessions: [session, ...list.sessions] }
}

export function encodeSession(session: Session): EncodedSession {
  const { baseKey, ratchet, spqr, unanswered } = session
  const writer = new ByteWriter(sizeOf(session))
  writer.bytes(baseKey)
  writer.bytes(ratchet.rootKey)
  writer.bytes(ratchet.sending.ratchetKey.privateKey)
  writer.bytes(ratchet.sending.ratchetKey.publicKey)
  writeChain(writer, ratchet.sending)
  writer.uint32(ratchet.previousCounter)
  writer.uint8(ratchet.receiving.length)
  for (const chain of ratchet.receiving) {
    writer.bytes(chain.ratchetKey)
    writeChain(writer, chain)
    writer.prefixed(chain.skipped)
  }
  writer.prefixed(spqr)
  writeUnanswered(writer, unanswered)
  return writer.finish()
}

const FIXED_BYTES = 33 + 32 + 65 + 36 + 4 + 1 + 4 + 1
const CHAIN_BYTES = 33 + 36 + 4
const UNANSWERED_BYTES = 8 + 4 + 4 + 1 + 4 + 4

function sizeOf({ ratchet, spqr, unanswered }: Session): number {
  let size = FIXED_BYTES + spqr.length
  for (const chain of ratchet.receiving) size += CHAIN_BYTES + chain.skipped.length
  if (unanswered) size += UNANSWERED_BYTES + unanswered.kyberCiphertext.length
  return size
}

export function decodeSession(bytes: EncodedSession): Session {
  const reader = new ByteReader(bytes)
  const baseKey = reader.bytes(33)
  const rootKey = reader.bytes(32)
  const sending = readSendingChain(reader)
  const previousCounter = reader.uint32()
  const count = reader.uint8()
  const receiving = Array.from({ length: count }, () => readReceivingChain(reader))
  const spqr = reader.prefixed()
  const unanswered = readUnanswered(reader)
  reader.end()
  return { baseKey, ratchet: { rootKey, sending, previousCounter, receiving }, spqr, unanswered }
}

function writeChain(writer: ByteWriter, { key, index }: Chain): void {
  writer.bytes(key)
  writer.uint32(index)
}

function readSendingChain(reader: ByteReader): SendingChain {
  const privateKey = reader.bytes(32)
  const publicKey = reader.bytes(33)
  return { ratchetKey: { publicKey, privateKey }, key: reader.bytes(32), index: reader.uint32() }
}

function readReceivingChain(reader: ByteReader): ReceivingChain {
  const ratchetKey = reader.bytes(33)
  const key = reader.bytes(32)
  const index = reader.uint32()
  const skipped = reader.prefixed()
  if (skipped.length % SKIPPED_KEY_BYTES !== 0) {
    throw new CryptoError('invalid-state', 'the skipped keys have a wrong length')
  }
  return { ratchetKey, key, index, skipped }
}

function writeUnanswered(writer: ByteWriter, unanswered: Unanswered | undefined): void {
  writer.uint8(unanswered === undefined ? 0 : 1)
  if (unanswered === undefined) return
  writer.float64(unanswered.createdAtMs)
  writer.uint32(unanswered.signedPreKeyId)
  writer.uint32(unanswered.kyberPreKeyId)
  writer.uint8(unanswered.oneTimePreKeyId === undefined ? 0 : 1)
  writer.uint32(unanswered.oneTimePreKeyId ?? 0)
  writer.prefixed(unanswered.kyberCiphertext)
}

function readUnanswered(reader: ByteReader): Unanswered | undefined {
  if (reader.uint8() === 0) return undefined
  const createdAtMs = reader.float64()
  const signedPreKeyId = reader.uint32()
  const kyberPreKeyId = reader.uint32()
  const hasOneTime = reader.uint8() === 1
  const oneTimeId = reader.uint32()
  return {
    createdAtMs,
    signedPreKeyId,
    kyberPreKeyId,
    oneTimePreKeyId: hasOneTime ? oneTimeId : undefined,
    kyberCiphertext: reader.prefixed(),
  }
}
