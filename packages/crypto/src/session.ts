// One session: a Double Ratchet and a post-quantum ratchet side by side, whose keys together seal
// each message. Starts from the secrets of the handshake; sessions.ts holds several per device.

import { equalBytes, toHex, utf8 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import type { HandshakeSecrets } from './handshake.ts'
import type { Curve25519 } from './curve.ts'
import { generateKeyPairWith, type KeyPair } from './keys.ts'
import {
  encodeRatchetMessage,
  type MacIdentities,
  messageMac,
  type ParsedRatchetMessage,
} from './messages.ts'
import { aesCbcDecrypt, aesCbcEncrypt, hkdfSha256, type RandomBytes } from './primitives.ts'
import {
  type MessagePosition,
  type Ratchet,
  type ReceivingOptions,
  rootStep,
  stepReceiving,
  stepSending,
} from './ratchet.ts'
import {
  decodeSpqr,
  encodeSpqr,
  spqrInit,
  spqrReceive,
  type SpqrReceived,
  spqrSend,
} from './spqr.ts'

const MESSAGE_KEYS_INFO = utf8('WhisperMessageKeys')

/** What the initiator repeats on each message until the peer has answered. */
export interface Unanswered {
  createdAtMs: number
  oneTimePreKeyId: number | undefined
  signedPreKeyId: number
  kyberPreKeyId: number
  kyberCiphertext: Uint8Array
}

export interface Session {
  /** The initiator's base key, by which a session is recognised. */
  baseKey: Uint8Array
  ratchet: Ratchet
  /** Encoded state of the post-quantum ratchet. */
  spqr: Uint8Array
  unanswered: Unanswered | undefined
}

export interface InitiatorStart {
  secrets: HandshakeSecrets
  baseKey: Uint8Array
  theirSignedPreKey: Uint8Array
  unanswered: Unanswered
  random: RandomBytes
  curve: Curve25519
}

export async function startInitiator(start: InitiatorStart): Promise<Session> {
  const { secrets, baseKey, theirSignedPreKey, unanswered, random, curve } = start
  const ratchetKey = await generateKeyPairWith(curve, random)
  const secret = await curve.agree(ratchetKey.privateKey, theirSignedPreKey)
  const { rootKey, chainKey } = rootStep(secrets.rootKey, secret)
  const answers = {
    ratchetKey: theirSignedPreKey,
    key: secrets.chainKey,
    index: 0,
    skipped: new Uint8Array(0),
  }
  const sending = { ratchetKey, key: chainKey, index: 0 }
  return {
    baseKey,
    ratchet: { rootKey, sending, previousCounter: 0, receiving: [answers] },
    spqr: encodeSpqr(spqrInit({ authKey: secrets.authKey, role: 'initiator' })),
    unanswered,
  }
}

export interface ResponderStart {
  secrets: HandshakeSecrets
  baseKey: Uint8Array
  signedPreKey: KeyPair
}

export function startResponder({ secrets, baseKey, signedPreKey }: ResponderStart): Session {
  const { publicKey, privateKey } = signedPreKey
  const sending = { ratchetKey: { publicKey, privateKey }, key: secrets.chainKey, index: 0 }
  return {
    baseKey,
    ratchet: { rootKey: secrets.rootKey, sending, previousCounter: 0, receiving: [] },
    spqr: encodeSpqr(spqrInit({ authKey: secrets.authKey, role: 'responder' })),
    unanswered: undefined,
  }
}

export interface Sealing {
  plaintext: Uint8Array
  addresses: Uint8Array | undefined
  identities: MacIdentities
  random: RandomBytes
}

export interface Sealed {
  session: Session
  message: Uint8Array
  messageKeyId: string
}

export function seal(session: Session, sealing: Sealing): Sealed {
  const { ratchet, counter, seed } = stepSending(session.ratchet)
  const pq = spqrSend(decodeSpqr(session.spqr), sealing.random)
  const keys = messageKeys(seed, pq.key)
  const position = { ratchetKey: ratchet.sending.ratchetKey.publicKey, counter }
  const fields = {
    ...position,
    previousCounter: ratchet.previousCounter,
    ciphertext: aesCbcEncrypt(keys.cipher, sealing.plaintext),
    pqRatchet: pq.message,
    addresses: sealing.addresses,
  }
  return {
    session: { ...session, ratchet, spqr: encodeSpqr(pq.state) },
    message: encodeRatchetMessage(fields, keys.mac, sealing.identities),
    messageKeyId: nameMessageKey(position),
  }
}

export interface Opening extends ReceivingOptions {
  identities: MacIdentities
}

export interface Opened {
  session: Session
  plaintext: Uint8Array
  messageKeyId: string
}

/** An answer, whatever it says, shows that the peer has the session. */
export async function open(
  session: Session,
  message: ParsedRatchetMessage,
  opening: Opening,
): Promise<Opened> {
  const { ratchet, seed } = await stepReceiving(session.ratchet, message, opening)
  const pq = receiveSpqr(session, message, opening)
  const keys = messageKeys(seed, pq.key)
  const mac = messageMac(keys.mac, opening.identities, message.authenticated)
  if (!equalBytes(mac, message.mac)) {
    throw new CryptoError('invalid-message', 'the message is not genuine')
  }
  return {
    session: { ...session, ratchet, spqr: encodeSpqr(pq.state), unanswered: undefined },
    plaintext: aesCbcDecrypt(keys.cipher, message.ciphertext),
    messageKeyId: nameMessageKey(message),
  }
}

/**
 * Called when the ratchet had a key for the message, which has therefore not been opened before: to
 * call it a duplicate, unproven as it is, would pass over what never came.
 */
function receiveSpqr(
  session: Session,
  { pqRatchet }: ParsedRatchetMessage,
  { jumpMax }: Opening,
): SpqrReceived {
  try {
    return spqrReceive(decodeSpqr(session.spqr), pqRatchet, jumpMax)
  } catch (cause) {
    if (!(cause instanceof CryptoError) || cause.code !== 'duplicate') throw cause
    throw new CryptoError('invalid-message', 'the message is of no key that is left', { cause })
  }
}

interface MessageKeys {
  cipher: { key: Uint8Array; iv: Uint8Array }
  mac: Uint8Array
}

export function messageKeys(seed: Uint8Array, pqKey: Uint8Array): MessageKeys {
  const keys = hkdfSha256({ secret: seed, salt: pqKey, info: MESSAGE_KEYS_INFO, length: 80 })
  const cipher = { key: keys.subarray(0, 32), iv: keys.subarray(64) }
  return { cipher, mac: keys.subarray(32, 64) }
}

function nameMessageKey({ ratchetKey, counter }: MessagePosition): string {
  return `${toHex(ratchetKey.subarray(1))}-${counter}`
}
