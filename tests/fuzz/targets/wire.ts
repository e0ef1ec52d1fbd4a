/** packages/wire: frames of both directions, entries, contents, device lists, ids. */
import * as wire from '@parley/wire'
import { BrokenPromise, type FuzzFunction, type Target, textBytes, textOf } from '../target.ts'
import * as samples from './samples.ts'

const { listCrypto } = samples

function refuses(error: unknown): boolean {
  return error instanceof wire.WireError
}

function protobuf(name: string, seeds: readonly Uint8Array[], run: FuzzFunction['run']) {
  return { name, kind: 'protobuf', seeds, run, refuses, pure: true } as const
}

function text(name: string, seeds: readonly string[], parse: (text: string) => unknown) {
  const run = (input: Uint8Array) => parse(textOf(input))
  return { name, kind: 'text', seeds: seeds.map(textBytes), run, refuses, pure: true } as const
}

/** What was read is written and read again: it must be the same. */
function unchanged<T>(read: (bytes: Uint8Array) => T, write: (value: T) => Uint8Array) {
  return (input: Uint8Array): T => {
    const value = read(input)
    if (!Bun.deepEquals(read(write(value)), value)) {
      throw new BrokenPromise('what was decoded is another when it is encoded and decoded again')
    }
    return value
  }
}

/** The lists in a Rejected frame; no other input is of interest. */
export function listsIn(input: Uint8Array): wire.SignedDeviceList[] {
  const frame = wire.decodeServerFrame(input)
  if (frame.kind !== 'rejected') throw new wire.WireError('not a frame with lists')
  return frame.deviceLists
}

export const listFrames = [3, 2, 1].map((count) =>
  wire.encodeServerFrame(samples.rejectedWith(samples.chain.lists.slice(0, count))),
)

function frames(): FuzzFunction[] {
  const { decodeClientFrame, decodeServerFrame, encodeClientFrame, encodeServerFrame } = wire
  return [
    protobuf(
      'decodeClientFrame',
      samples.clientFrames.map(encodeClientFrame),
      unchanged(decodeClientFrame, encodeClientFrame),
    ),
    protobuf(
      'decodeServerFrame',
      samples.serverFrames.map(encodeServerFrame),
      unchanged(decodeServerFrame, encodeServerFrame),
    ),
  ]
}

function entries(): FuzzFunction[] {
  const seeds = samples.storedContents.map(wire.encodeEntryBody)
  const stored = { log: samples.log, position: 9, prev: 8 }
  return [
    protobuf('decodeEntryBody', seeds, unchanged(wire.decodeEntryBody, wire.encodeEntryBody)),
    protobuf('encodeEntryFor', seeds, (body) => {
      const served = wire.encodeEntryFor(samples.device, { ...stored, body })
      return { ...served, kind: served.kind }
    }),
  ]
}

function lists(): FuzzFunction[] {
  const bodies = samples.chain.lists.map(({ body }) => body)
  const { decodeDeviceList, encodeDeviceList, verifyDeviceChain, verifyDeviceList } = wire
  const [first, second] = samples.chain.lists
  if (!first || !second) throw new Error('the chain is too short')
  const known = verifyDeviceList(first, undefined, listCrypto)
  return [
    protobuf('decodeDeviceList', bodies, unchanged(decodeDeviceList, encodeDeviceList)),
    protobuf('verifyDeviceChain', listFrames, (input) =>
      verifyDeviceChain(listsIn(input), listCrypto),
    ),
    protobuf(
      'verifyDeviceList',
      [wire.encodeServerFrame(samples.rejectedWith([second]))],
      (input) => listsIn(input).map((signed) => verifyDeviceList(signed, known, listCrypto)),
    ),
  ]
}

function ids(): FuzzFunction[] {
  const hex = samples.device as string
  const raw = (name: string, seed: Uint8Array, run: FuzzFunction['run']): FuzzFunction => {
    return { name, kind: 'bytes', seeds: [seed], run, refuses, pure: true }
  }
  return [
    text('parseAccountId', [samples.account], (each) => wire.parseAccountId(each)),
    text('parseDeviceId', [hex], (each) => wire.parseDeviceId(each)),
    text('parseMessageId', [hex], (each) => wire.parseMessageId(each)),
    text('parseLogId', [samples.log], (each) => wire.parseLogId(each)),
    text('fromHex', [hex, ''], (each) => wire.fromHex(each)),
    text('fromBase64', [wire.toBase64(samples.bytes(40)), ''], (each) => wire.fromBase64(each)),
    raw('accountIdOf', wire.accountIdBytes(samples.account), wire.accountIdOf),
    raw('deviceIdOf', wire.deviceIdBytes(samples.device), wire.deviceIdOf),
    raw('messageIdOf', wire.messageIdBytes(samples.messageId), wire.messageIdOf),
    raw('logIdOf', wire.logIdBytesOf(samples.log), wire.logIdOf),
  ]
}

function covered(functions: readonly FuzzFunction[], ...inner: string[]): string[] {
  return [...functions.map(({ name }) => name), ...inner].map((name) => `wire:${name}`)
}

const content = protobuf(
  'decodeContent',
  samples.contents.map(wire.encodeContent),
  unchanged(wire.decodeContent, wire.encodeContent),
)

export const wireTargets: readonly Target[] = [
  {
    name: 'wire-frames',
    says: 'frames of both directions, with what stands in them',
    covers: covered(
      frames(),
      'readEnvelope',
      'readReceipt',
      'readLogAndNumbers',
      'readTyping',
      'readSignedList',
      'readEntryFrame',
    ),
    open: () => ({ functions: frames() }),
  },
  {
    name: 'wire-entries',
    says: 'what the server stores of an entry, and serves of it',
    covers: covered(entries()),
    open: () => ({ functions: entries() }),
  },
  {
    name: 'wire-content',
    says: 'what is inside a ciphertext',
    covers: covered([content]),
    open: () => ({ functions: [content] }),
  },
  {
    name: 'wire-device-lists',
    says: 'bodies of device lists, and signed chains of them',
    covers: covered(lists()),
    open: () => ({ functions: lists() }),
  },
  {
    name: 'wire-ids',
    says: 'ids as text and as bytes, hexadecimal, base64url',
    covers: covered(ids()),
    open: () => ({ functions: ids() }),
  },
]
