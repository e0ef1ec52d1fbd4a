// The sessions with one device, the receiving half: finding the session that a message belongs to,
// or starting one as responder. A function that throws has changed nothing.

import { equalBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { responderSecrets } from './handshake.ts'
import {
  addressesMatch,
  type ParsedRatchetMessage,
  type PreKeyMessage,
  parsePreKeyMessage,
  parseRatchetMessage,
} from './messages.ts'
import { FORWARD_JUMP_MAX, findChain } from './ratchet.ts'
import { type Opened, type Opening, open, type Session, startResponder } from './session.ts'
import {
  decodeRecord,
  decodeSession,
  encodeRecord,
  encodeSession,
  listFor,
  type SessionList,
  withCurrent,
} from './session-record.ts'
import { isTorsionFree } from './signatures.ts'
import type {
  Decrypted,
  DecryptedPreKey,
  DecryptInput,
  DecryptPreKeyInput,
  NamedPreKeys,
  Parties,
  PreKeyMessageHeader,
  SessionRecord,
  Surroundings,
} from './types.ts'

/**
 * A message with an unknown ratchet key is tried on every session, and each try may derive so many
 * keys: this many for the newest archived session, the k-th part for the k-th, so that all together
 * are 8,600 at most. The older a session is, the less it can miss, and a forged counter of 70 bytes
 * must not stall us.
 */
const ARCHIVED_JUMP_MAX = 2_000

/**
 * Which prekeys to load, and whose identity key to trust or not. Form only: nothing in a prekey
 * message is proven before it has been decrypted. Throws `invalid-message`, `unsupported-version`
 * or `invalid-key`.
 */
export function readPreKeyMessage(bytes: Uint8Array): PreKeyMessageHeader {
  const { message: _, kyberCiphertext: __, ...header } = parsePreKeyMessage(bytes)
  return header
}

/**
 * Opens a first message, as PQXDH's responder (section 3.4) unless the record has its session.
 * Rejects like `decryptMessage` and moreover with `missing-prekey` when `prekeys` are not those it
 * names, and `untrusted-identity` when `record` is of another identity key.
 */
export async function decryptPreKeyMessage(input: DecryptPreKeyInput): Promise<DecryptedPreKey> {
  const { local, remote, ciphertext } = input
  const outer = parsePreKeyMessage(ciphertext)
  const inner = parseRatchetMessage(outer.message)
  if (!addressesMatch(inner, remote, local.address)) {
    throw new CryptoError('invalid-message', 'the message was written by or for another device')
  }
  const list = listFor(input.record, outer.identityKey)
  const known = findSession(list, ({ baseKey }) => equalBytes(baseKey, outer.baseKey))
  if (known !== undefined) {
    const found = { list, ...known, message: inner, input, jumpMax: FORWARD_JUMP_MAX }
    return { ...(await openKnown(found)), usedPreKeys: false }
  }
  const session = await respond(outer, input)
  const opened = await open(session, inner, opening(input, list, FORWARD_JUMP_MAX))
  const record = encodeRecord(withCurrent(list, encodeSession(opened.session)))
  const { plaintext, messageKeyId } = opened
  return { record, plaintext, messageKeyId, usedPreKeys: true }
}

/**
 * Opens a message with whichever session it belongs to, current or archived (Double Ratchet,
 * section 3.5). Rejects with
 * - `invalid-message` when it is malformed, not genuine, or by or for another device;
 * - `duplicate` when its key is gone, used or dropped: 2,000 skipped ones are kept;
 * - `too-far-ahead` when more than 25,000 are missing before it, and fewer in archived sessions;
 * - `unsupported-version`, `invalid-key`, `no-session` or `invalid-state`.
 */
export async function decryptMessage(input: DecryptInput): Promise<Decrypted> {
  const { local, remote, ciphertext } = input
  const message = parseRatchetMessage(ciphertext)
  if (message.addresses !== undefined && !addressesMatch(message, remote, local.address)) {
    throw new CryptoError('invalid-message', 'the message was written by or for another device')
  }
  const list = decodeRecord(input.record)
  const owner = findSession(
    list,
    ({ ratchet }) => findChain(ratchet, message.ratchetKey) !== undefined,
  )
  if (owner !== undefined) {
    return openKnown({ list, ...owner, message, input, jumpMax: FORWARD_JUMP_MAX })
  }
  return openAny(list, message, input)
}

interface FoundSession {
  at: number
  session: Session
}

function findSession(
  { sessions }: SessionList,
  isIt: (session: Session) => boolean,
): FoundSession | undefined {
  for (const [at, bytes] of sessions.entries()) {
    const session = decodeSession(bytes)
    if (isIt(session)) return { at, session }
  }
  return undefined
}

interface KnownSession extends FoundSession {
  list: SessionList
  message: ParsedRatchetMessage
  input: Parties & Surroundings
  jumpMax: number
}

async function openKnown(known: KnownSession): Promise<Decrypted> {
  const { list, at, session, message, input, jumpMax } = known
  const opened = await open(session, message, opening(input, list, jumpMax))
  const { plaintext, messageKeyId } = opened
  return { record: replaced(list, at, opened), plaintext, messageKeyId }
}

/** The peer has turned its ratchet: only trying shows which session it turned. */
async function openAny(
  list: SessionList,
  message: ParsedRatchetMessage,
  input: Parties & Surroundings,
): Promise<Decrypted> {
  let first: CryptoError | undefined
  for (const [at, bytes] of list.sessions.entries()) {
    try {
      const session = decodeSession(bytes)
      const place = list.hasCurrent ? at : at + 1
      const jumpMax = place === 0 ? FORWARD_JUMP_MAX : Math.floor(ARCHIVED_JUMP_MAX / place)
      return await openKnown({ list, at, session, message, input, jumpMax })
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      first ??= error
    }
  }
  throw first ?? new CryptoError('no-session', 'there is no session')
}

function opening(
  { local, random, curve }: Parties & Surroundings,
  list: SessionList,
  jumpMax: number,
): Opening {
  const identities = { sender: list.remoteIdentity, receiver: local.identity.publicKey }
  return { identities, random, curve, jumpMax }
}

/**
 * The session becomes the current one, since the peer uses it: so both settle on one when each has
 * started its own. But after `archiveSession` there is none, and a straggler does not bring it
 * back.
 */
function replaced(list: SessionList, at: number, { session }: Opened): SessionRecord {
  const others = list.sessions.filter((_, index) => index !== at)
  return encodeRecord({ ...list, sessions: [encodeSession(session), ...others] })
}

async function respond(outer: PreKeyMessage, input: DecryptPreKeyInput): Promise<Session> {
  const { local, prekeys, curve } = input
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
    curve,
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
