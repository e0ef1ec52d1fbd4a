/**
 * A batch of work for the log's writer as one buffer, which travels to the writer and comes back
 * with the answers written over it: two numbers for each operation, in order.
 *
 *   header     time (f64, Unix ms), operations (f64)
 *   operation  kind (u8), text (u8 length, Latin-1), device (u8 length, Latin-1), number (f64),
 *              body (u32 length, bytes)
 */
import type { DeviceId, LogId } from '@parley/wire'
import type { NewEntry } from './log.ts'

/**
 * Text and number: append log, sequence · cursor log, position · followed and parked follower,
 * position · trim (none), before.
 */
export type OperationKind = 'append' | 'cursor' | 'followed' | 'parked' | 'trim'

const kinds: readonly OperationKind[] = ['append', 'cursor', 'followed', 'parked', 'trim']
const headerBytes = 16
const answerBytes = 16
const fixedBytes = 1 + 1 + 1 + 8 + 4
const textBytesMax = 255
/**
 * A buffer weighs its whole size on the collectors of both threads each time it arrives: with
 * 64 KiB for each single entry they ran eight times as often.
 */
const startBytes = 8 * 1024
/** A buffer that grew under load is not kept for batches that fill less than this part of it. */
const keptShare = 1 / 4

/** Collects operations until they are taken as one batch. */
export class BatchBuilder {
  #bytes: Buffer
  #length = headerBytes
  count = 0

  constructor() {
    this.#bytes = Buffer.from(new ArrayBuffer(startBytes))
  }

  get byteLength(): number {
    return this.#length
  }

  append(log: LogId, entry: NewEntry): void {
    const { origin, body } = entry
    this.#add('append', { text: log, device: origin?.device ?? '', number: origin?.sequence ?? 0 })
    this.#addBody(body)
  }

  cursor(log: LogId, device: DeviceId, position: number): void {
    this.#add('cursor', { text: log, device, number: position })
    this.#addBody(undefined)
  }

  followed(follower: string, position: number): void {
    this.#add('followed', { text: follower, device: '', number: position })
    this.#addBody(undefined)
  }

  parked(follower: string, position: number): void {
    this.#add('parked', { text: follower, device: '', number: position })
    this.#addBody(undefined)
  }

  trim(before: number): void {
    this.#add('trim', { text: '', device: '', number: before })
    this.#addBody(undefined)
  }

  /**
   * The batch; the builder starts the next one in `spare`, a buffer that came back from an earlier
   * batch.
   */
  take(nowMs: number, spare: ArrayBuffer | undefined): ArrayBuffer {
    this.#bytes.writeDoubleLE(nowMs, 0)
    this.#bytes.writeDoubleLE(this.count, 8)
    const taken = this.#bytes.buffer as ArrayBuffer
    const isKept = spare && spare.byteLength * keptShare <= Math.max(startBytes, this.#length)
    this.#bytes = Buffer.from(isKept ? spare : new ArrayBuffer(startBytes))
    this.clear()
    return taken
  }

  clear(): void {
    this.#length = headerBytes
    this.count = 0
  }

  #add(kind: OperationKind, fields: { text: string; device: string; number: number }): void {
    const { text, device, number } = fields
    if (text.length > textBytesMax || device.length > textBytesMax) throw new RangeError('a name')
    this.#reserve(fixedBytes + text.length + device.length)
    const bytes = this.#bytes
    let at = this.#length
    bytes[at++] = kinds.indexOf(kind)
    bytes[at++] = text.length
    at += bytes.write(text, at, 'latin1')
    bytes[at++] = device.length
    at += bytes.write(device, at, 'latin1')
    this.#length = bytes.writeDoubleLE(number, at)
    this.count++
  }

  #addBody(body: Uint8Array | undefined): void {
    const length = body?.length ?? 0
    this.#reserve(4 + length)
    const at = this.#bytes.writeUInt32LE(length, this.#length)
    if (body) this.#bytes.set(body, at)
    this.#length = at + length
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.from(new ArrayBuffer(Math.max(needed, this.#bytes.length * 2)))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

/** Reads a batch operation by operation, and writes the answers over what was read. */
export class BatchReader {
  readonly nowMs: number
  readonly count: number
  kind: OperationKind = 'append'
  text = ''
  device = ''
  number = 0
  body: Uint8Array
  readonly #bytes: Buffer
  readonly #answers: Float64Array
  #at = headerBytes
  #index = -1

  constructor(batch: ArrayBuffer) {
    this.#bytes = Buffer.from(batch)
    this.body = this.#bytes.subarray(0, 0)
    this.nowMs = this.#bytes.readDoubleLE(0)
    this.count = this.#bytes.readDoubleLE(8)
    // An operation is never shorter than its answer, so answers never run into what is still to be
    // read.
    this.#answers = new Float64Array(batch, 0, Math.floor(batch.byteLength / 8))
  }

  /** Moves to the next operation; false after the last. */
  next(): boolean {
    if (++this.#index >= this.count) return false
    const bytes = this.#bytes
    let at = this.#at
    this.kind = kinds[bytes[at++] ?? 0] ?? 'append'
    const textEnd = at + 1 + (bytes[at] ?? 0)
    this.text = bytes.toString('latin1', at + 1, textEnd)
    const deviceEnd = textEnd + 1 + (bytes[textEnd] ?? 0)
    this.device = bytes.toString('latin1', textEnd + 1, deviceEnd)
    this.number = bytes.readDoubleLE(deviceEnd)
    at = deviceEnd + 12
    this.#at = at + bytes.readUInt32LE(deviceEnd + 8)
    this.body = bytes.subarray(at, this.#at)
    return true
  }

  answer(first: number, second: number): void {
    this.#answers[(this.#index * answerBytes) / 8] = first
    this.#answers[(this.#index * answerBytes) / 8 + 1] = second
  }
}

/** The answers of a batch that has come back; two numbers an operation. */
export function answersOf(batch: ArrayBuffer): Float64Array {
  return new Float64Array(batch, 0, Math.floor(batch.byteLength / 8))
}
