// How sender keys are stored: our own chain of a group, or the chains of one device of a member.
//
//   record   version u8, kind u8, distribution id (16), then by kind
//   own (0)  chain, signing seed (32), sign bit u8 (0x80 or 0)
//   of a member (1)
//            chain count u8, chains (oldest first): chain, skipped keys: length u32, bytes
//   chain    chain id u32, signing key (33), chain key (32), iteration of the next message u32
//
// Each content has one encoding, and reading takes no other.

import { ByteReader, ByteWriter } from './encode.ts'
import { CryptoError } from './errors.ts'
import { type Chain, SKIPPED_KEY_BYTES, SKIPPED_KEYS_MAX, type SkippingChain } from './ratchet.ts'
import { CHAIN_KEY_BYTES, DISTRIBUTION_ID_BYTES } from './sender-key-messages.ts'
import { isPublicKey } from './signatures.ts'

/** Our own sender key, or those of one device of a member; opaque and versioned. */
export type SenderKeyRecord = Uint8Array

export const CHAINS_MAX = 5
export const SEED_BYTES = 32
export const SIGN_BIT = 0x80
const VERSION = 1
const OWN = 0
const MEMBER = 1

const SIGNING_KEY_BYTES = 33
const HEADER_BYTES = 2 + DISTRIBUTION_ID_BYTES
const CHAIN_BYTES = 4 + SIGNING_KEY_BYTES + CHAIN_KEY_BYTES + 4

interface SignedChain extends Chain {
  chainId: number
  /** 33 bytes, public. */
  signingKey: Uint8Array
}

export interface OwnChain extends SignedChain {
  /** Private Ed25519 key (RFC 8032), 32 bytes. */
  seed: Uint8Array
  /** Top bit of the Edwards form of the signing key, in its place: 0x80 or 0. */
  signBit: number
}

export interface MemberChain extends SignedChain, SkippingChain {}

export interface OwnRecord {
  kind: 'own'
  distributionId: Uint8Array
  chain: OwnChain
}

export interface MemberRecord {
  kind: 'member'
  distributionId: Uint8Array
  /** Oldest first. */
  chains: readonly MemberChain[]
}

export function encodeOwnRecord(distributionId: Uint8Array, chain: OwnChain): SenderKeyRecord {
  const writer = new ByteWriter(HEADER_BYTES + CHAIN_BYTES + SEED_BYTES + 1)
  writeHeader(writer, OWN, distributionId)
  writeChain(writer, chain)
  writer.bytes(chain.seed)
  writer.uint8(chain.signBit)
  return writer.finish()
}

/** Keeps the newest chains. */
export function encodeMemberRecord(
  distributionId: Uint8Array,
  chains: readonly MemberChain[],
): SenderKeyRecord {
  const kept = chains.slice(-CHAINS_MAX)
  const skipped = kept.reduce((sum, chain) => sum + chain.skipped.length, 0)
  const writer = new ByteWriter(HEADER_BYTES + 1 + kept.length * (CHAIN_BYTES + 4) + skipped)
  writeHeader(writer, MEMBER, distributionId)
  writer.uint8(kept.length)
  for (const chain of kept) {
    writeChain(writer, chain)
    writer.prefixed(chain.skipped)
  }
  return writer.finish()
}

/** Throws `invalid-state`. What it returns are views of `record`. */
export function decodeSenderKeyRecord(record: SenderKeyRecord): OwnRecord | MemberRecord {
  const reader = new ByteReader(record)
  if (reader.uint8() !== VERSION) throw invalid('it is of another version')
  const kind = reader.uint8()
  const distributionId = reader.bytes(DISTRIBUTION_ID_BYTES)
  if (kind === OWN) {
    const chain = readOwnChain(reader)
    reader.end()
    return { kind: 'own', distributionId, chain }
  }
  if (kind !== MEMBER) throw invalid('it is of an unknown kind')
  const chains = readMemberChains(reader)
  reader.end()
  return { kind: 'member', distributionId, chains }
}

function writeHeader(writer: ByteWriter, kind: number, distributionId: Uint8Array): void {
  writer.uint8(VERSION)
  writer.uint8(kind)
  writer.bytes(distributionId)
}

function writeChain(writer: ByteWriter, { chainId, signingKey, key, index }: SignedChain): void {
  writer.uint32(chainId)
  writer.bytes(signingKey)
  writer.bytes(key)
  writer.uint32(index)
}

function readChain(reader: ByteReader): SignedChain {
  const chainId = reader.uint32()
  const signingKey = reader.bytes(SIGNING_KEY_BYTES)
  if (!isPublicKey(signingKey)) throw invalid('it has an unusable signing key')
  return { chainId, signingKey, key: reader.bytes(CHAIN_KEY_BYTES), index: reader.uint32() }
}

function readOwnChain(reader: ByteReader): OwnChain {
  const chain = readChain(reader)
  const seed = reader.bytes(SEED_BYTES)
  const signBit = reader.uint8()
  if (signBit !== 0 && signBit !== SIGN_BIT) throw invalid('the sign bit is none')
  return { ...chain, seed, signBit }
}

function readMemberChains(reader: ByteReader): MemberChain[] {
  const count = reader.uint8()
  if (count < 1 || count > CHAINS_MAX) throw invalid('it has an impossible number of chains')
  const chains = Array.from({ length: count }, () => {
    const chain = readChain(reader)
    const skipped = reader.prefixed()
    checkSkipped(skipped, chain.index)
    return { ...chain, skipped }
  })
  const skipped = chains.reduce((sum, chain) => sum + chain.skipped.length, 0)
  if (skipped > SKIPPED_KEYS_MAX * SKIPPED_KEY_BYTES) throw invalid('it has too many skipped keys')
  if (new Set(chains.map(({ chainId }) => chainId)).size < count) {
    throw invalid('it has a chain twice')
  }
  return chains
}

/** Counters grow and stay below that of the next message: so no key is there twice. */
function checkSkipped(skipped: Uint8Array, index: number): void {
  if (skipped.length % SKIPPED_KEY_BYTES !== 0) throw invalid('its skipped keys are cut short')
  const view = new DataView(skipped.buffer, skipped.byteOffset, skipped.byteLength)
  let last = -1
  for (let offset = 0; offset < skipped.length; offset += SKIPPED_KEY_BYTES) {
    const counter = view.getUint32(offset)
    if (counter <= last || counter >= index) throw invalid('its skipped keys are out of order')
    last = counter
  }
}

function invalid(why: string): CryptoError {
  return new CryptoError('invalid-state', `unreadable sender key: ${why}`)
}
