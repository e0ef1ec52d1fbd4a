// The sessions with one device: starting them, sealing with the current one, and finding the one
// that a message belongs to. Everything here takes a record and returns a new one; a function that
// throws has changed nothing.

import { equalBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { initiatorSecrets, responderSecrets } from './handshake.ts'
import { generateKeyPair } from './keys.ts'
import { kyberEncapsulate } from './kyber1024.ts'
import {
  addressesMatch,
  encodeAddresses,
  encodePreKeyMessage,
  type PreKeyMessage,
  type ParsedRatchetMessage,
  parsePreKeyMessage,
  parseRatchetMessage,
} from './messages.ts'
import { checkBundle } from './prekeys.ts'
import { FORWARD_JUMP_MAX, findChain } from './ratchet.ts'
import { type Opened, open, type Session, seal, startInitiator, startResponder } from './session.ts'
import {
  decodeRecord,
  decodeSession,
  type EncodedSession,
  encodeRecord,
  encodeSession,
  type SessionList,
} from './session-record.ts'
import { isTorsionFree } from './signatures.ts'
import type {
  Decrypted,
  Encrypted,
  NamedPreKeys,
  Parties,
  PreKeyBundle,
  PreKeyMessageHeader,
  SessionRecord,
  Surroundings,
} from './types.ts'

const UNANSWERED_MAX_MS = 30 * 24 * 60 * 60 * 1000
/**
 * A message with an unknown ratchet key is tried on every session, and each try may derive this
 * many keys; an archived session hardly misses more, and a forged counter must not stall us.
 */
const ARCHIVED_JUMP_MAX = 2_000

export interface CreateSessionInput extends Parties, Surroundings {
  bundle: PreKeyBundle
  /** Sessions there are already; they are archived. */
  record: SessionRecord | undefined
}

export async function createSession(input: CreateSessionInput): Promise<SessionRecord> {
  const { local, remote, bundle, record, random, nowMs, dh } = input
  encodeAddresses(local.address, remote)
  checkBundle(bundle)
  const list = listFor(record, bundle.identityKey)
  const base = generateKeyPair(random)
  const kyber = kyberEncapsulate(bundle.kyberPreKey.publicKey, random)
  const keys = { identity: local.identity, base, bundle, kyberSecret: kyber.sharedSecret, dh }
  const session = await startInitiator({
    secrets: await initiatorSecrets(keys),
    baseKey: base.publicKey,
    theirSignedPreKey: bundle.signedPreKey.publicKey,
    unanswered: {
      createdAtMs: nowMs,
      oneTimePreKeyId: bundle.oneTimePreKey?.id,
      signedPreKeyId: bundle.signedPreKey.id,
      kyberPreKeyId: bundle.kyberPreKey.id,
      kyberCiphertext: kyber.ciphertext,
    },
    random,
    dh,
  })
  return encodeRecord(withCurrent(list, encodeSession(session)))
}

/** Whether `encryptMessage` has a session to work with. One unanswered for 30 days is none. */
export function hasUsableSession(record: SessionRecord, nowMs: number): boolean {
  return usableSession(decodeRecord(record), nowMs) !== undefined
}

/** From here on a new session is needed to send; messages of the old ones still decrypt. */
export function archiveSession(record: SessionRecord): SessionRecord {
  return encodeRecord({ ...decodeRecord(record), hasCurrent: false })
}

export interface EncryptInput extends Parties, Surroundings {
  record: SessionRecord
  plaintext: Uint8Array
}

export async function encryptMessage(input: EncryptInput): Promise<Encrypted> {
  const { local, remote, plaintext, random, nowMs } = input
  const list = decodeRecord(input.record)
  const session = usableSession(list, nowMs)
  if (session === undefined) throw new CryptoError('no-session', 'there is no usable session')
  const { unanswered } = session
  const sealed = seal(session, {
    plaintext,
    addresses: unanswered && encodeAddresses(local.address, remote),
    identities: { sender: local.identity.publicKey, receiver: list.remoteIdentity },
    random,
  })
  const sessions = [encodeSession(sealed.session), ...list.sessions.slice(1)]
  const record = encodeRecord({ ...list, sessions })
  const { message, messageKeyId } = sealed
  if (unanswered === undefined) {
    return { record, type: 'message', ciphertext: message, messageKeyId }
  }
  const ciphertext = encodePreKeyMessage({
    ...unanswered,
    registrationId: local.registrationId,
    baseKey: session.baseKey,
    identityKey: local.identity.publicKey,
    message,
  })
  return { record, type: 'prekey', ciphertext, messageKeyId }
}

/** Form only: nothing in a prekey message is proven before it has been decrypted. */
export function readPreKeyMessage(bytes: Uint8Array): PreKeyMessageHeader {
  const { message: _, kyberCiphertext: __, ...header } = parsePreKeyMessage(bytes)
  return header
}

export interface DecryptPreKeyInput extends Parties, Surroundings {
  record: SessionRecord | undefined
  ciphertext: Uint8Array
  /** None when they are gone: a message of a session that is there decrypts without them. */
  prekeys: NamedPreKeys | undefined
}

export interface DecryptedPreKey extends Decrypted {
  /** False when the message belonged to a session that was there. */
  usedPreKeys: boolean
}

export async function decryptPreKeyMessage(input: DecryptPreKeyInput): Promise<DecryptedPreKey> {
  const { local, remote, ciphertext } = input
  const outer = parsePreKeyMessage(ciphertext)
  const inner = parseRatchetMessage(outer.message)
  if (!addressesMatch(inner, remote, local.address)) {
    throw new CryptoError('invalid-message', 'the message was written by or for another device')
  }
  const list = listFor(input.record, outer.identityKey)
  const known = list.sessions.findIndex((bytes) =>
    equalBytes(decodeSession(bytes).baseKey, outer.baseKey),
  )
  if (known >= 0) {
    const decrypted = await openKnown({
      list,
      at: known,
      message: inner,
      input,
      jumpMax: FORWARD_JUMP_MAX,
    })
    return { ...decrypted, usedPreKeys: false }
  }
  const session = await respond(outer, input)
  const opened = await open(session, inner, opening(input, list, FORWARD_JUMP_MAX))
  const record = encodeRecord(withCurrent(list, encodeSession(opened.session)))
  const { plaintext, messageKeyId } = opened
  return { record, plaintext, messageKeyId, usedPreKeys: true }
}

export interface DecryptInput extends Parties, Surroundings {
  record: SessionRecord
  ciphertext: Uint8Array
}

export async function decryptMessage(input: DecryptInput): Promise<Decrypted> {
  const { local, remote, ciphertext } = input
  const message = parseRatchetMessage(ciphertext)
  if (message.addresses !== undefined && !addressesMatch(message, remote, local.address)) {
    throw new CryptoError('invalid-message', 'the message was written by or for another device')
  }
  const list = decodeRecord(input.record)
  if (list.sessions.length === 0) throw new CryptoError('no-session', 'there is no session')
  const owner = list.sessions.findIndex(
    (bytes) => findChain(decodeSession(bytes).ratchet, message.ratchetKey) !== undefined,
  )
  if (owner >= 0) {
    return openKnown({ list, at: owner, message, input, jumpMax: FORWARD_JUMP_MAX })
  }
  return openAny(list, message, input)
}

interface KnownSession {
  list: SessionList
  at: number
  message: ParsedRatchetMessage
  input: Parties & Surroundings
  jumpMax: number
}

async function openKnown(known: KnownSession): Promise<Decrypted> {
  const { list, at, message, input, jumpMax } = known
  const session = decodeSession(list.sessions[at] as EncodedSession)
  const opened = await open(session, message, opening(input, list, jumpMax))
  return { record: replaced(list, at, opened), ...withoutSession(opened) }
}

/** The peer has turned its ratchet: only trying shows which session it turned. */
async function openAny(
  list: SessionList,
  message: ParsedRatchetMessage,
  input: Parties & Surroundings,
): Promise<Decrypted> {
  let first: unknown
  for (const at of list.sessions.keys()) {
    try {
      const isCurrent = at === 0 && list.hasCurrent
      const jumpMax = isCurrent ? FORWARD_JUMP_MAX : ARCHIVED_JUMP_MAX
      return await openKnown({ list, at, message, input, jumpMax })
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      first ??= error
    }
  }
  throw first
}

function opening(
  { local, random, dh }: Parties & Surroundings,
  list: SessionList,
  jumpMax: number,
) {
  const identities = { sender: list.remoteIdentity, receiver: local.identity.publicKey }
  return { identities, random, dh, jumpMax }
}

function withoutSession({ plaintext, messageKeyId }: Opened): Omit<Decrypted, 'record'> {
  return { plaintext, messageKeyId }
}

/**
 * The session becomes the current one, since the peer uses it: so both settle on one when each has
 * started its own. But after `archiveSession` there is none, and a straggler does not bring it back.
 */
function replaced(list: SessionList, at: number, { session }: Opened): SessionRecord {
  const others = list.sessions.filter((_, index) => index !== at)
  return encodeRecord({ ...list, sessions: [encodeSession(session), ...others] })
}

async function respond(outer: PreKeyMessage, input: DecryptPreKeyInput): Promise<Session> {
  const { local, prekeys, dh } = input
  if (prekeys === undefined || !isNamedBy(outer, prekeys)) {
    throw new CryptoError('missing-prekey', 'the prekeys that the message names are not there')
  }
  if (!isTorsionFree(outer.baseKey)) {
    throw new CryptoError('invalid-key', 'the base key has other spellings')
  }
  const secrets = await responderSecrets({
    identity: local.identity,
    prekeys,
    theirIdentity: outer.identityKey,
    theirBase: outer.baseKey,
    kyberCiphertext: outer.kyberCiphertext,
    dh,
  })
  return startResponder({ secrets, baseKey: outer.baseKey, signedPreKey: prekeys.signed })
}

function isNamedBy(outer: PreKeyMessage, { signed, kyber, oneTime }: NamedPreKeys): boolean {
  return (
    signed.id === outer.signedPreKeyId &&
    kyber.id === outer.kyberPreKeyId &&
    oneTime?.id === outer.oneTimePreKeyId
  )
}

/** Sessions with one identity key never mix with those of another. */
function listFor(record: SessionRecord | undefined, remoteIdentity: Uint8Array): SessionList {
  if (record === undefined) return { remoteIdentity, hasCurrent: false, sessions: [] }
  const list = decodeRecord(record)
  if (!equalBytes(list.remoteIdentity, remoteIdentity)) {
    throw new CryptoError('untrusted-identity', 'the identity key differs from that of the record')
  }
  return list
}

function withCurrent(list: SessionList, session: EncodedSession): SessionList {
  return { ...list, hasCurrent: true, sessions: [session, ...list.sessions] }
}

function usableSession({ hasCurrent, sessions }: SessionList, nowMs: number): Session | undefined {
  const current = sessions[0]
  if (!hasCurrent || current === undefined) return undefined
  const session = decodeSession(current)
  const since = session.unanswered?.createdAtMs
  return since !== undefined && nowMs - since > UNANSWERED_MAX_MS ? undefined : session
}
