// Sender keys: each device of a group has one chain of message keys and one signing key, hands both
// to the members over pairwise sessions, and so encrypts a message once for all of them. A function
// that throws has changed nothing.

import { concatBytes, equalBytes, toHex, utf8 } from './bytes.ts'
import type { Curve25519 } from './curve.ts'
import { ed25519PublicKey, montgomeryKey } from './edwards.ts'
import { CryptoError } from './errors.ts'
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  type CbcKey,
  drawn,
  hkdfSha256,
  type RandomBytes,
} from './primitives.ts'
import {
  advance,
  boundSkipped,
  checkJump,
  COUNTER_MAX,
  FORWARD_JUMP_MAX,
  takeSkipped,
} from './ratchet.ts'
import {
  CHAIN_KEY_BYTES,
  type Distribution,
  encodeDistribution,
  encodeUnsigned,
  parseDistribution,
  parseGroupMessage,
  type SenderKeyPosition,
} from './sender-key-messages.ts'
import {
  CHAINS_MAX,
  decodeSenderKeyRecord,
  encodeSenderKeyRecord,
  type MemberChain,
  type MemberRecord,
  type OwnRecord,
  RETIRED_MAX,
  SEED_BYTES,
  type SenderKeyRecord,
  SIGN_BIT,
} from './sender-key-record.ts'
import { canVerify, verifyWith } from './signatures.ts'
import { uuidBytes, uuidText } from './uuid.ts'

export type { SenderKeyRecord } from './sender-key-record.ts'

const MESSAGE_KEYS_INFO = utf8('WhisperGroup')
const NOTHING = new Uint8Array(0)

/** What a message says of itself; proven only once it is decrypted. */
export interface SenderKeyHeader {
  /** UUID, in lower case. */
  distributionId: string
  chainId: number
  iteration: number
}

export interface GroupEncrypted {
  record: SenderKeyRecord
  ciphertext: Uint8Array
  /** Names the key used; no two ciphertexts ever carry the same. */
  messageKeyId: string
}

export interface GroupDecrypted {
  record: SenderKeyRecord
  plaintext: Uint8Array
  messageKeyId: string
}

/**
 * An own chain for one group, `distributionId` (a UUID in lower case) naming the group. Two of them
 * have nothing in common: whoever must not read on is shut out by a new one.
 *
 * The signing key is one of Ed25519 (RFC 8032), so that platforms can sign with it; what is
 * published is its Curve25519 form. Ed25519 needs no randomness for a signature, so a source that
 * fails later gives no key away.
 */
export function createSenderKey(input: {
  distributionId: string
  random: RandomBytes
}): SenderKeyRecord {
  const distributionId = uuidBytes(input.distributionId)
  const chainId = new DataView(drawn(input.random, 4).buffer).getUint32(0) >>> 1
  const key = drawn(input.random, CHAIN_KEY_BYTES)
  const seed = drawn(input.random, SEED_BYTES)
  const edwardsKey = ed25519PublicKey(seed)
  const signingKey = montgomeryKey(edwardsKey)
  const signBit = (edwardsKey[31] ?? 0) & SIGN_BIT
  const chain = { chainId, signingKey, key, index: 0, seed, signBit }
  return encodeSenderKeyRecord({ kind: 'own', distributionId, chain })
}

/**
 * The message that hands an own chain, from its next message on, to a member: it holds secrets, and
 * goes over pairwise sessions only. The keys of others are nobody's to hand on: `invalid-argument`.
 */
export function senderKeyDistribution(record: SenderKeyRecord): Uint8Array {
  const { distributionId, chain } = ownRecord(record)
  const { chainId, index, key, signingKey } = chain
  return encodeDistribution({
    distributionId,
    chainId,
    iteration: index,
    chainKey: key,
    signingKey,
  })
}

/**
 * `no-session` when the chain is used up, after 2^32 - 1 messages: a new one is needed.
 * `invalid-argument` with the record of a member.
 */
export async function encryptGroupMessage(input: {
  record: SenderKeyRecord
  plaintext: Uint8Array
  curve: Curve25519
}): Promise<GroupEncrypted> {
  const { distributionId, chain } = ownRecord(input.record)
  const position = { distributionId, chainId: chain.chainId, iteration: chain.index }
  if (chain.index >= COUNTER_MAX) throw new CryptoError('no-session', 'the chain is used up')
  const { chain: next, seed } = advance({ ...chain, skipped: NOTHING }, chain.index)
  const encrypted = aesCbcEncrypt(messageKey(seed), input.plaintext)
  const unsigned = encodeUnsigned({ ...position, ciphertext: encrypted })
  const ciphertext = concatBytes(unsigned, await input.curve.sign(chain.seed, unsigned))
  // XEdDSA as libsignal has it: the sign of the Edwards key in the top bit, which Ed25519 leaves 0.
  const last = ciphertext.length - 1
  ciphertext[last] = (ciphertext[last] ?? 0) | chain.signBit
  return {
    record: encodeSenderKeyRecord({ kind: 'own', distributionId, chain: next }),
    ciphertext,
    messageKeyId: nameMessageKey(chain.signingKey, position),
  }
}

/**
 * Takes what came from this very device over its pairwise session; `record` is what is known of the
 * device in this group. A new chain goes beside the older ones, of which five are kept, since their
 * messages may still be under way.
 *
 * A chain that is known stays as it is: an earlier place in it would bring used keys back to life,
 * and a later one can be reached from here without losing what lies between. Only a place beyond
 * reach is taken over, since nothing of the chain would ever open again otherwise (libsignal stays
 * behind there). And a chain that has made room for newer ones is not taken again, though the
 * server may have kept one of its distributions back (libsignal would start it anew).
 *
 * Throws `invalid-message` for another group than the record's, for a known chain id with another
 * signing key, and for a record of our own; `invalid-key` for an unusable signing key.
 */
export function acceptSenderKey(input: {
  record: SenderKeyRecord | undefined
  distribution: Uint8Array
}): SenderKeyRecord {
  const distribution = parseDistribution(input.distribution)
  const { distributionId, chainId, signingKey } = distribution
  const member: MemberRecord =
    input.record === undefined
      ? { kind: 'member', distributionId, chains: [], retired: [] }
      : memberRecord(input.record, distributionId)
  if (member.retired.includes(chainId)) return encodeSenderKeyRecord(member)
  const known = member.chains.find((chain) => chain.chainId === chainId)
  if (known === undefined) {
    if (!canVerify(signingKey)) {
      throw new CryptoError('invalid-key', 'with this signing key verifiers may disagree')
    }
    const chain = { ...startOf(distribution), skipped: NOTHING }
    return encodeSenderKeyRecord(withNewest(member, chain))
  }
  if (!equalBytes(known.signingKey, signingKey)) {
    throw new CryptoError('invalid-message', 'the chain is known with another signing key')
  }
  const isReachable = distribution.iteration - known.index <= FORWARD_JUMP_MAX
  const current = isReachable ? known : { ...known, ...startOf(distribution) }
  return encodeSenderKeyRecord({ ...member, chains: replaced(member.chains, known, current) })
}

/**
 * Opens a message of the device that `record` is about. Throws
 * - `invalid-message` when it is not genuine, of another group, or with an own record: what we sent
 *   ourselves is not for us to open;
 * - `no-session` when it is of a chain that is not known, or not any more;
 * - `duplicate` when its key is gone: used, or before the place from which the chain was given;
 * - `too-far-ahead` when more than 25,000 messages are missing before it.
 */
export async function decryptGroupMessage(input: {
  record: SenderKeyRecord
  ciphertext: Uint8Array
  curve: Curve25519
}): Promise<GroupDecrypted> {
  const message = parseGroupMessage(input.ciphertext)
  const member = memberRecord(input.record, message.distributionId)
  const chain = member.chains.find(({ chainId }) => chainId === message.chainId)
  if (chain === undefined) {
    throw new CryptoError('no-session', 'the chain of this message is not known')
  }
  const { signingKey } = chain
  const { authenticated, signature, iteration } = message
  // Looked at before anything else, since anybody can send a huge iteration.
  if (!(await verifyWith(input.curve, signingKey, authenticated, signature))) {
    throw new CryptoError('invalid-message', 'the message is not genuine')
  }
  checkJump(iteration - chain.index, FORWARD_JUMP_MAX)
  const { chain: stepped, seed } =
    iteration < chain.index ? takeSkipped(chain, iteration) : advance(chain, iteration)
  const plaintext = aesCbcDecrypt(messageKey(seed), message.ciphertext)
  const chains = boundSkipped(replaced(member.chains, chain, stepped))
  return {
    record: encodeSenderKeyRecord({ ...member, chains }),
    plaintext,
    messageKeyId: nameMessageKey(signingKey, message),
  }
}

/** Form only: nothing is proven before the message has been decrypted. */
export function readGroupMessage(bytes: Uint8Array): SenderKeyHeader {
  return headerOf(parseGroupMessage(bytes))
}

/** Form only. */
export function readSenderKeyDistribution(bytes: Uint8Array): SenderKeyHeader {
  return headerOf(parseDistribution(bytes))
}

function headerOf({ distributionId, chainId, iteration }: SenderKeyPosition): SenderKeyHeader {
  return { distributionId: uuidText(distributionId), chainId, iteration }
}

function ownRecord(record: SenderKeyRecord): OwnRecord {
  const decoded = decodeSenderKeyRecord(record)
  if (decoded.kind === 'own') return decoded
  throw new CryptoError('invalid-argument', 'the sender key is that of a member')
}

function memberRecord(record: SenderKeyRecord, distributionId: Uint8Array): MemberRecord {
  const decoded = decodeSenderKeyRecord(record)
  if (decoded.kind !== 'member') {
    throw new CryptoError('invalid-message', 'the sender key is our own')
  }
  if (!equalBytes(decoded.distributionId, distributionId)) {
    throw new CryptoError('invalid-message', 'the message is of another group')
  }
  return decoded
}

function startOf({ chainId, signingKey, chainKey, iteration }: Distribution) {
  return { chainId, signingKey, key: chainKey, index: iteration }
}

function withNewest(member: MemberRecord, newest: MemberChain): MemberRecord {
  const chains = [...member.chains, newest]
  const dropped = chains.slice(0, -CHAINS_MAX).map(({ chainId }) => chainId)
  const retired = [...member.retired, ...dropped].slice(-RETIRED_MAX)
  return { ...member, chains: chains.slice(-CHAINS_MAX), retired }
}

function replaced(
  chains: readonly MemberChain[],
  chain: MemberChain,
  by: MemberChain,
): readonly MemberChain[] {
  return chains.map((other) => (other === chain ? by : other))
}

function messageKey(seed: Uint8Array): CbcKey {
  const keys = hkdfSha256({ secret: seed, salt: undefined, info: MESSAGE_KEYS_INFO, length: 48 })
  return { iv: keys.subarray(0, 16), key: keys.subarray(16) }
}

function nameMessageKey(signingKey: Uint8Array, { chainId, iteration }: SenderKeyPosition): string {
  return `${toHex(signingKey.subarray(1))}-${chainId}-${iteration}`
}
