/**
 * A simulated disk: what was written and not synced is lost, or torn, when the power goes; it can
 * be full, and a sync can fail, after which what it should have kept may be gone although reads
 * still show it. Files are created and removed in order and at once, as a file system with a
 * journal does it.
 */
import type { SimRandom } from './random.ts'

export type DiskOperation = 'write' | 'truncate' | 'sync' | 'remove'
export type DiskFault = 'full' | 'sync failed' | 'write lost' | 'write torn'

export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly reason: 'full' | 'sync' | 'dead'
  constructor(reason: 'full' | 'sync' | 'dead') {
    super(`the simulated disk: ${reason}`)
    this.reason = reason
  }
}

/** What a torn write leaves whole, in bytes. */
const sectorBytes = 512

type Change = { offset: number; bytes: Uint8Array } | { truncateTo: number }

/** Bytes that grow. */
class Content {
  #bytes = new Uint8Array(0)
  length = 0

  read(offset: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.length - offset))
    into.set(this.#bytes.subarray(offset, offset + count))
    into.fill(0, count)
    return count
  }

  apply(change: Change): void {
    if ('truncateTo' in change) return this.truncate(change.truncateTo)
    const end = change.offset + change.bytes.length
    this.#reserve(end)
    this.#bytes.set(change.bytes, change.offset)
    this.length = Math.max(this.length, end)
  }

  truncate(length: number): void {
    this.#reserve(length)
    this.#bytes.fill(0, Math.min(length, this.length))
    this.length = length
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  copyFrom(other: Content): void {
    this.#bytes = other.bytes().slice()
    this.length = other.length
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2, 64 * 1024))
    grown.set(this.bytes())
    this.#bytes = grown
  }
}

class SimFile {
  /** What reads show. */
  readonly cached = new Content()
  /** What is there after the power went. */
  readonly synced = new Content()
  unsynced: Change[] = []
}

/** What reads showed of each file at one moment. */
export type DiskImage = ReadonlyMap<string, Uint8Array>

export interface SimDiskOptions {
  random: SimRandom
  /**
   * Called before each operation that changes something; false when it does not happen any more.
   */
  onOperation: (operation: DiskOperation, bytes: Uint8Array | undefined) => boolean
  onFault: (fault: DiskFault) => void
}

export class SimDisk {
  readonly #options: SimDiskOptions
  readonly #files = new Map<string, SimFile>()
  /** Files do not grow while it is set. */
  isFull = false
  /** How many of the next syncs fail. */
  syncsToFail = 0
  /** The lie of a planted fault: syncs say yes and do nothing. */
  skipsSyncs = false

  constructor(options: SimDiskOptions) {
    this.#options = options
  }

  has(path: string): boolean {
    return this.#files.has(path)
  }

  create(path: string): void {
    if (!this.#files.has(path)) this.#files.set(path, new SimFile())
  }

  remove(path: string): void {
    this.#begin('remove', undefined)
    this.#files.delete(path)
  }

  size(path: string): number {
    return this.#file(path).cached.length
  }

  /** Fills `into`, with zeros past the end; returns how many bytes there were. */
  read(path: string, offset: number, into: Uint8Array): number {
    return this.#file(path).cached.read(offset, into)
  }

  write(path: string, offset: number, bytes: Uint8Array): void {
    this.#begin('write', bytes)
    const file = this.#file(path)
    if (this.isFull && offset + bytes.length > file.cached.length) {
      this.#options.onFault('full')
      throw new DiskError('full')
    }
    this.#change(file, { offset, bytes: bytes.slice() })
  }

  truncate(path: string, length: number): void {
    this.#begin('truncate', undefined)
    this.#change(this.#file(path), { truncateTo: length })
  }

  sync(path: string): void {
    this.#begin('sync', undefined)
    if (this.skipsSyncs) return
    const file = this.#file(path)
    const fails = this.syncsToFail > 0
    if (fails) this.syncsToFail--
    const { unsynced } = file
    file.unsynced = []
    // As Linux does it: pages whose write failed count as clean, and are never written again.
    for (const change of unsynced) {
      if (!fails || this.#options.random.chance(0.5)) file.synced.apply(change)
    }
    if (!fails) return
    this.#options.onFault('sync failed')
    throw new DiskError('sync')
  }

  /** The power goes: of what was not synced some is there, some is not, and some is half there. */
  losePower(): void {
    for (const file of this.#files.values()) {
      for (const change of file.unsynced) this.#survive(file.synced, change)
      file.unsynced = []
      file.cached.copyFrom(file.synced)
    }
  }

  /** All bytes that reads show, file by file. */
  *contents(): Generator<[path: string, bytes: Uint8Array]> {
    for (const [path, file] of this.#files) yield [path, file.cached.bytes()]
  }

  /** A copy of everything, as a backup of the whole disk takes it. */
  image(): DiskImage {
    return new Map([...this.contents()].map(([path, bytes]) => [path, bytes.slice()]))
  }

  /** Puts the copy in place of everything, durably. Nobody may have a file open. */
  restore(image: DiskImage): void {
    this.#files.clear()
    for (const [path, bytes] of image) {
      const file = new SimFile()
      file.synced.apply({ offset: 0, bytes })
      file.cached.copyFrom(file.synced)
      this.#files.set(path, file)
    }
  }

  #begin(operation: DiskOperation, bytes: Uint8Array | undefined): void {
    if (!this.#options.onOperation(operation, bytes)) throw new DiskError('dead')
  }

  #change(file: SimFile, change: Change): void {
    file.cached.apply(change)
    file.unsynced.push(change)
  }

  #survive(synced: Content, change: Change): void {
    const { random, onFault } = this.#options
    if (random.chance(0.4)) return synced.apply(change)
    if (!('bytes' in change) || change.bytes.length <= sectorBytes || random.chance(0.5)) {
      return onFault('write lost')
    }
    onFault('write torn')
    for (let start = 0; start < change.bytes.length; start += sectorBytes) {
      if (random.chance(0.5)) continue
      const bytes = change.bytes.subarray(start, start + sectorBytes)
      synced.apply({ offset: change.offset + start, bytes })
    }
  }

  #file(path: string): SimFile {
    const file = this.#files.get(path)
    if (!file) throw new Error(`the simulated disk has no ${path}`)
    return file
  }
}
