// The sessions with one device, the sending half: starting one, sealing with the current one,
// archiving. Everything here takes a record and returns a new one; a function that throws has
// changed nothing.

import { isUint32 } from './encode.ts'
import { CryptoError } from './errors.ts'
import { initiatorSecrets } from './handshake.ts'
import { generateKeyPairWith } from './keys.ts'
import { kyberEncapsulate } from './kyber1024.ts'
import { encodeAddresses, encodePreKeyMessage } from './messages.ts'
import { checkBundle } from './prekeys.ts'
import { type Session, seal, startInitiator } from './session.ts'
import {
  decodeRecord,
  decodeSession,
  encodeRecord,
  encodeSession,
  listFor,
  type SessionList,
  withCurrent,
} from './session-record.ts'
import { isPublicKey } from './signatures.ts'
import type {
  CreateSessionInput,
  Encrypted,
  EncryptInput,
  Parties,
  SessionRecord,
} from './types.ts'

const UNANSWERED_MAX_MS = 30 * 24 * 60 * 60 * 1000

/**
 * Begins a session as PQXDH's initiator (section 3.3), with the first step of the Double Ratchet
 * (section 3.3) and of SPQR; the record has it as the current one. Rejects with
 * - `invalid-key` or `invalid-signature` for a bundle that is not all there or not signed (E3);
 * - `untrusted-identity` when `record` is of another identity key than the bundle;
 * - `invalid-state` for a record that cannot be read, `invalid-argument` for addresses and ids.
 */
export async function createSession(input: CreateSessionInput): Promise<SessionRecord> {
  const { local, bundle, record, random, nowMs, curve } = input
  checkParties(input)
  await checkBundle(bundle, curve)
  const list = listFor(record, bundle.identityKey)
  const base = await generateKeyPairWith(curve, random)
  const kyber = kyberEncapsulate(bundle.kyberPreKey.publicKey, random)
  const keys = { identity: local.identity, base, bundle, kyberSecret: kyber.sharedSecret, curve }
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
    curve,
  })
  return encodeRecord(withCurrent(list, encodeSession(session)))
}

/** Slips that would otherwise show at the other end only. */
function checkParties({ local, remote }: Parties): void {
  encodeAddresses(local.address, remote)
  if (!isPublicKey(local.identity.publicKey)) {
    throw new CryptoError('invalid-key', 'the own identity key is no public key')
  }
  if (!isUint32(local.registrationId)) {
    throw new CryptoError('invalid-argument', 'a registration id has 32 bits')
  }
}

/**
 * Whether `encryptMessage` has a session to work with. One unanswered for 30 days is none, as in
 * libsignal. Throws `invalid-state`.
 */
export function hasUsableSession(record: SessionRecord, nowMs: number): boolean {
  return usableSession(decodeRecord(record), nowMs) !== undefined
}

/**
 * From here on a new session is needed to send; messages of the old ones, of which 40 are kept,
 * still decrypt, as in Sesame. Throws `invalid-state`.
 */
export function archiveSession(record: SessionRecord): SessionRecord {
  return encodeRecord({ ...decodeRecord(record), hasCurrent: false })
}

/**
 * The next message of the current session (Double Ratchet, section 3.4, with SPQR's key as salt).
 * Every record encrypts once: store the new one before the ciphertext leaves. Rejects with
 * `no-session` when there is none to use (`hasUsableSession`) or 2^32 - 1 messages went without an
 * answer, and with `invalid-state`.
 */
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

function usableSession({ hasCurrent, sessions }: SessionList, nowMs: number): Session | undefined {
  const current = sessions[0]
  if (!hasCurrent || current === undefined) return undefined
  const session = decodeSession(current)
  const since = session.unanswered?.createdAtMs
  return since !== undefined && nowMs - since > UNANSWERED_MAX_MS ? undefined : session
}
