// The stored form of a SPQR state: fixed fields in one order, about 2 kB between the steps.

import { concatBytes } from './bytes.ts'
import { type ChunkSet, isChunkSet } from './erasure.ts'
import {
  kemCt1Bytes,
  kemCt2Bytes,
  kemHeaderBytes,
  kemPendingBytes,
  kemSeedBytes,
  kemVectorBytes,
} from './kem768.ts'
import { macBytes } from './spqr-authenticator.ts'
import {
  type ChainEpoch,
  type KeyRatchet,
  newestEpoch,
  olderEpochsMax,
  type SpqrChain,
  skippedEntryBytes,
  skippedKeysMax,
} from './spqr-chain.ts'
import { type Reader, reader, uint16Bytes, uint32Bytes } from './spqr-reader.ts'
import type { Braid, Step } from './spqr-steps.ts'

export interface SpqrState {
  chain: SpqrChain
  braid: Braid
}

// state   version 1 · chain · braid
// chain   role 1 · root 32 · number of epochs 1 · epochs · number of skipped keys 2 · skipped keys
// epoch   number 4 · has a sending ratchet 1 · [sending ratchet] · receiving ratchet
// ratchet next 32 · count 4
// braid   epoch 4 · authenticator root 32 · MAC key 32 · step 1 · fields of the step
// chunks  number 1 · that many of 34
const version = 1

/** In the order of their numbers. */
const steps = [
  'keys-unsampled',
  'keys-sampled',
  'header-sent',
  'ct1-received',
  'vector-sent',
  'no-header-received',
  'header-received',
  'ct1-sampled',
  'vector-received',
  'ct2-sampled',
] as const satisfies Step['at'][]

const headerValueBytes = kemHeaderBytes + macBytes
const ct2ValueBytes = kemCt2Bytes + macBytes
const storedChunkBytes = 34

export function encodeState({ chain, braid }: SpqrState): Uint8Array {
  const skippedCount = chain.skipped.length / skippedEntryBytes
  return concatBytes(
    Uint8Array.of(version, chain.role === 'initiator' ? 0 : 1),
    chain.root,
    Uint8Array.of(chain.epochs.length),
    ...chain.epochs.flatMap(epochParts),
    uint16Bytes(skippedCount),
    chain.skipped,
    uint32Bytes(braid.epoch),
    braid.authenticator.root,
    braid.authenticator.macKey,
    Uint8Array.of(steps.indexOf(braid.step.at)),
    ...stepParts(braid.step),
  )
}

export function decodeState(bytes: Uint8Array): SpqrState {
  const input = reader(bytes, 'invalid-state')
  if (input.byte() !== version) throw input.fail('the stored version is unknown')
  const chain = readChain(input)
  const braid = readBraid(input)
  input.end()
  const behind = braid.epoch - newestEpoch(chain)
  if (behind !== 0 && behind !== 1) throw input.fail('the stored epochs do not fit')
  return { chain, braid }
}

function epochParts({ epoch, sending, receiving }: ChainEpoch): Uint8Array[] {
  const parts = [uint32Bytes(epoch), Uint8Array.of(sending ? 1 : 0)]
  if (sending) parts.push(...ratchetParts(sending))
  parts.push(...ratchetParts(receiving))
  return parts
}

function ratchetParts({ next, count }: KeyRatchet): Uint8Array[] {
  return [next, uint32Bytes(count)]
}

function chunkParts(chunks: ChunkSet): Uint8Array[] {
  return [Uint8Array.of(chunks.length / storedChunkBytes), chunks]
}

function stepParts(step: Step): Uint8Array[] {
  switch (step.at) {
    case 'keys-unsampled':
      return []
    case 'keys-sampled':
      return [step.seed, step.header, uint16Bytes(step.sent)]
    case 'header-sent':
      return [step.seed, step.vector, uint16Bytes(step.sent), ...chunkParts(step.ct1)]
    case 'ct1-received':
      return [step.seed, step.vector, uint16Bytes(step.sent), step.ct1]
    case 'vector-sent':
      return [step.seed, step.ct1, ...chunkParts(step.ct2)]
    case 'no-header-received':
      return chunkParts(step.header)
    case 'header-received':
      return [step.header]
    case 'ct1-sampled': {
      const flag = Uint8Array.of(step.acknowledged ? 1 : 0)
      const sent = uint16Bytes(step.sent)
      return [step.header, step.pending, step.ct1, sent, flag, ...chunkParts(step.vector)]
    }
    case 'vector-received':
      return [step.pending, step.ct1, uint16Bytes(step.sent), step.vector]
    case 'ct2-sampled':
      return [step.ct2, uint16Bytes(step.sent)]
  }
}

function readChain(input: Reader): SpqrChain {
  const role = readFlag(input) ? 'responder' : 'initiator'
  const root = input.take(32)
  const count = input.byte()
  if (count === 0 || count > olderEpochsMax + 1) throw input.fail('the stored epochs do not fit')
  const epochs = Array.from({ length: count }, () => readEpoch(input))
  const first = epochs[0]?.epoch ?? 0
  if (epochs.some(({ epoch }, i) => epoch !== first + i)) {
    throw input.fail('the stored epochs do not fit')
  }
  const skippedCount = input.uint16()
  if (skippedCount > skippedKeysMax) throw input.fail('too many keys are stored')
  return { role, root, epochs, skipped: input.take(skippedCount * skippedEntryBytes) }
}

function readEpoch(input: Reader): ChainEpoch {
  const epoch = input.uint32()
  const sending = readFlag(input) ? readRatchet(input) : undefined
  return { epoch, sending, receiving: readRatchet(input) }
}

function readRatchet(input: Reader): KeyRatchet {
  return { next: input.take(32), count: input.uint32() }
}

function readFlag(input: Reader): boolean {
  const flag = input.byte()
  if (flag > 1) throw input.fail('a stored flag is neither 0 nor 1')
  return flag === 1
}

function readBraid(input: Reader): Braid {
  const epoch = input.uint32()
  const authenticator = { root: input.take(32), macKey: input.take(32) }
  return { epoch, authenticator, step: readStep(input) }
}

function readStep(input: Reader): Step {
  const at = steps[input.byte()]
  switch (at) {
    case undefined:
      throw input.fail('the stored step is unknown')
    case 'keys-unsampled':
      return { at }
    case 'keys-sampled': {
      const [seed, header] = [input.take(kemSeedBytes), input.take(headerValueBytes)]
      return { at, seed, header, sent: input.uint16() }
    }
    case 'header-sent': {
      const [seed, vector] = [input.take(kemSeedBytes), input.take(kemVectorBytes)]
      return { at, seed, vector, sent: input.uint16(), ct1: readChunks(input, kemCt1Bytes) }
    }
    case 'ct1-received': {
      const [seed, vector] = [input.take(kemSeedBytes), input.take(kemVectorBytes)]
      return { at, seed, vector, sent: input.uint16(), ct1: input.take(kemCt1Bytes) }
    }
    case 'vector-sent': {
      const [seed, ct1] = [input.take(kemSeedBytes), input.take(kemCt1Bytes)]
      return { at, seed, ct1, ct2: readChunks(input, ct2ValueBytes) }
    }
    default:
      return readEncapsulatorStep(input, at)
  }
}

function readEncapsulatorStep(
  input: Reader,
  at: 'no-header-received' | 'header-received' | 'ct1-sampled' | 'vector-received' | 'ct2-sampled',
): Step {
  switch (at) {
    case 'no-header-received':
      return { at, header: readChunks(input, headerValueBytes) }
    case 'header-received':
      return { at, header: input.take(kemHeaderBytes) }
    case 'ct1-sampled': {
      const [header, pending] = [input.take(kemHeaderBytes), input.take(kemPendingBytes)]
      const [ct1, sent] = [input.take(kemCt1Bytes), input.uint16()]
      const acknowledged = readFlag(input)
      const vector = readChunks(input, kemVectorBytes)
      return { at, header, pending, ct1, sent, acknowledged, vector }
    }
    case 'vector-received': {
      const [pending, ct1] = [input.take(kemPendingBytes), input.take(kemCt1Bytes)]
      return { at, pending, ct1, sent: input.uint16(), vector: input.take(kemVectorBytes) }
    }
    case 'ct2-sampled':
      return { at, ct2: input.take(ct2ValueBytes), sent: input.uint16() }
  }
}

function readChunks(input: Reader, valueBytes: number): ChunkSet {
  const chunks = input.take(input.byte() * storedChunkBytes)
  if (!isChunkSet(chunks, valueBytes)) throw input.fail('the stored chunks do not fit')
  return chunks
}
