// How a SPQR state is stored:
//
//   state   version u8, chain, braid
//   chain   is-responder u8, root (32), epoch count u8, epochs (oldest first),
//           skipped keys: length u32, bytes
//   epoch   number u32, has-sending u8, [sending ratchet], receiving ratchet
//   ratchet next (32), count u32
//   braid   epoch u32, authenticator: root (32), MAC key (32), step
//
// The steps are in spqr-step-codec.ts.

import { ByteReader, ByteWriter } from './encode.ts'
import {
  type ChainEpoch,
  type KeyRatchet,
  newestEpoch,
  OLDER_EPOCHS_MAX,
  SKIPPED_ENTRY_BYTES,
  SKIPPED_KEYS_MAX,
  type SpqrChain,
} from './spqr-chain.ts'
import { invalidState, readFlag, readStep, writeStep } from './spqr-step-codec.ts'
import type { Braid } from './spqr-steps.ts'

const VERSION = 1

export interface SpqrState {
  chain: SpqrChain
  braid: Braid
}

export function encodeSpqr({ chain, braid }: SpqrState): Uint8Array {
  const writer = new ByteWriter(1024 + chain.skipped.length)
  writer.uint8(VERSION)
  writer.uint8(chain.role === 'initiator' ? 0 : 1)
  writer.bytes(chain.root)
  writer.uint8(chain.epochs.length)
  for (const epoch of chain.epochs) writeEpoch(writer, epoch)
  writer.prefixed(chain.skipped)
  writer.uint32(braid.epoch)
  writer.bytes(braid.authenticator.root)
  writer.bytes(braid.authenticator.macKey)
  writeStep(writer, braid.step)
  return writer.finish()
}

/** What it returns may be views of `bytes`. */
export function decodeSpqr(bytes: Uint8Array): SpqrState {
  const reader = new ByteReader(bytes)
  if (reader.uint8() !== VERSION) throw invalidState('it is of another version')
  const chain = readChain(reader)
  const braid = readBraid(reader)
  reader.end()
  const ahead = braid.epoch - newestEpoch(chain)
  if (ahead !== 0 && ahead !== 1) throw invalidState('its epochs do not fit')
  return { chain, braid }
}

function writeEpoch(writer: ByteWriter, { epoch, sending, receiving }: ChainEpoch): void {
  writer.uint32(epoch)
  writer.uint8(sending === undefined ? 0 : 1)
  if (sending !== undefined) writeRatchet(writer, sending)
  writeRatchet(writer, receiving)
}

function writeRatchet(writer: ByteWriter, { next, count }: KeyRatchet): void {
  writer.bytes(next)
  writer.uint32(count)
}

function readChain(reader: ByteReader): SpqrChain {
  const role = readFlag(reader) ? 'responder' : 'initiator'
  const root = reader.bytes(32)
  const count = reader.uint8()
  if (count === 0 || count > OLDER_EPOCHS_MAX + 1) throw invalidState('its epochs do not fit')
  const epochs = Array.from({ length: count }, () => readEpoch(reader))
  const first = epochs[0]?.epoch ?? 0
  if (epochs.some(({ epoch }, i) => epoch !== first + i)) {
    throw invalidState('its epochs do not fit')
  }
  const skipped = reader.prefixed()
  const skippedCount = skipped.length / SKIPPED_ENTRY_BYTES
  if (!Number.isInteger(skippedCount) || skippedCount > SKIPPED_KEYS_MAX) {
    throw invalidState('its skipped keys do not fit')
  }
  return { role, root, epochs, skipped }
}

function readEpoch(reader: ByteReader): ChainEpoch {
  const epoch = reader.uint32()
  const sending = readFlag(reader) ? readRatchet(reader) : undefined
  return { epoch, sending, receiving: readRatchet(reader) }
}

function readRatchet(reader: ByteReader): KeyRatchet {
  return { next: reader.bytes(32), count: reader.uint32() }
}

function readBraid(reader: ByteReader): Braid {
  const epoch = reader.uint32()
  const authenticator = { root: reader.bytes(32), macKey: reader.bytes(32) }
  return { epoch, authenticator, step: readStep(reader) }
}
