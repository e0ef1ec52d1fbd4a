// How sender keys are stored: our own chain of a group, or the chains of one device of a member.
//
//   record   version u8, kind u8, distribution id (16), then by kind
//   own (0)  chain, signing seed (32), sign bit u8 (0x80 or 0)
//   of a member (1)
//            chain count u8, chains (oldest first): chain, skipped keys: length u32, bytes
//            retired count u8, ids of retired chains (oldest first) u32
//   chain    chain id u32, signing key (33), chain key (32), iteration of the next message u32
//
// Each content has one encoding, and reading takes no other.

import { ByteReader, ByteWriter } from './encode.ts'
import { CryptoError } from './errors.ts'
import { type Chain, SKIPPED_KEY_BYTES, SKIPPED_KEYS_MAX, type SkippingChain } from './ratchet.ts'
import { CHAIN_KEY_BYTES } from './sender-key-messages.ts'
import { isPublicKey } from './signatures.ts'
import { UUID_BYTES } from './uuid.ts'

/** Our own sender key, or those of one device of a member; opaque and versioned. */
export type SenderKeyRecord = Uint8Array

export const CHAINS_MAX = 5
/** With a new chain every week, and one more whenever somebody leaves, more than a year of them. */
export const RETIRED_MAX = 100
export const SEED_BYTES = 32
export const SIGN_BIT = 0x80
const VERSION = 1
const OWN = 0
const MEMBER = 1

const SIGNING_KEY_BYTES = 33

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
  /** Ids of chains that are not kept any more, oldest first: they do not come back. */
  retired: readonly number[]
}

export function encodeSenderKeyRecord(record: OwnRecord | MemberRecord): SenderKeyRecord {
  const writer = new ByteWriter(512)
  writer.uint8(VERSION)
  writer.uint8(record.kind === 'own' ? OWN : MEMBER)
  writer.bytes(record.distributionId)
  if (record.kind === 'own') {
    writeChain(writer, record.chain)
    writer.bytes(record.chain.seed)
    writer.uint8(record.chain.signBit)
    return writer.finish()
  }
  writer.uint8(record.chains.length)
  for (const chain of record.chains) {
    writeChain(writer, chain)
    writer.prefixed(chain.skipped)
  }
  writer.uint8(record.retired.length)
  for (const chainId of record.retired) writer.uint32(chainId)
  return writer.finish()
}

/** Throws `invalid-state`. What it returns are views of `record`. */
export function decodeSenderKeyRecord(record: SenderKeyRecord): OwnRecord | MemberRecord {
  const reader = new ByteReader(record)
  if (reader.uint8() !== VERSION) throw invalid('it is of another version')
  const kind = reader.uint8()
  const distributionId = reader.bytes(UUID_BYTES)
  if (kind === OWN) {
    const chain = readOwnChain(reader)
    reader.end()
    return { kind: 'own', distributionId, chain }
  }
  if (kind !== MEMBER) throw invalid('it is of an unknown kind')
  const chains = readMemberChains(reader)
  const retired = readRetired(reader)
  reader.end()
  const ids = [...chains.map(({ chainId }) => chainId), ...retired]
  if (new Set(ids).size < ids.length) throw invalid('it has a chain twice')
  return { kind: 'member', distributionId, chains, retired }
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
  return chains
}

function readRetired(reader: ByteReader): number[] {
  const count = reader.uint8()
  if (count > RETIRED_MAX) throw invalid('it has too many retired chains')
  return Array.from({ length: count }, () => reader.uint32())
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
