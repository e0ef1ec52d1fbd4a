/**
 * What connections of one process to one file share: locks, and the index of the write-ahead log.
 * It is memory, so it goes with the process.
 */
import type { Sqlite } from './vfs.ts'

const slots = 8
const [unlocked, shared, reserved, pending, exclusive] = [0, 1, 2, 3, 4] as const
const [unlockFlag, sharedFlag] = [1, 4] as const

/** The locks of SQLite's rollback protocol, by file handle. */
export class FileLocks {
  readonly #levels = new Map<number, number>()

  /** False when another handle is in the way. */
  lock(handle: number, level: number): boolean {
    const others = [...this.#levels].filter(([other]) => other !== handle).map(([, held]) => held)
    const highest = Math.max(unlocked, ...others)
    const free =
      level === shared
        ? highest < pending
        : level === reserved
          ? highest < reserved
          : highest === unlocked
    if (free) this.#levels.set(handle, Math.max(level, this.#levels.get(handle) ?? unlocked))
    return free
  }

  unlock(handle: number, level: number): void {
    if (level === unlocked) this.#levels.delete(handle)
    else this.#levels.set(handle, level)
  }

  isReserved(): boolean {
    return [...this.#levels.values()].some((level) => level >= reserved && level <= exclusive)
  }
}

/** The shared memory of a write-ahead log: its regions in the heap, and its eight locks. */
export class SharedMemory {
  readonly #sqlite: Sqlite
  readonly #regions: number[] = []
  readonly #sharers = Array.from({ length: slots }, () => new Set<number>())
  readonly #owners: (number | undefined)[] = Array.from({ length: slots })
  readonly #users = new Set<number>()

  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite
  }

  /** The address of the region, or 0 when there is none and none is wanted. */
  map(handle: number, index: number, bytes: number, extend: boolean): number {
    this.#users.add(handle)
    const { wasm } = this.#sqlite
    while (extend && this.#regions.length <= index) {
      const address = Number(wasm.alloc(bytes))
      wasm.heap8u().fill(0, address, address + bytes)
      this.#regions.push(address)
    }
    return this.#regions[index] ?? 0
  }

  /** False when another handle is in the way. */
  lock(handle: number, first: number, count: number, flags: number): boolean {
    const range = Array.from({ length: count }, (_, index) => first + index)
    if (flags & unlockFlag) {
      for (const slot of range) this.#unlock(handle, slot)
      return true
    }
    const isShared = (flags & sharedFlag) !== 0
    if (!range.every((slot) => this.#isFree(handle, slot, isShared))) return false
    for (const slot of range) {
      if (isShared) this.#sharers[slot]?.add(handle)
      else this.#owners[slot] = handle
    }
    return true
  }

  /** The handle needs it no more; the last one takes it along. */
  unmap(handle: number): void {
    for (let slot = 0; slot < slots; slot++) this.#unlock(handle, slot)
    this.#users.delete(handle)
    if (this.#users.size > 0) return
    for (const address of this.#regions.splice(0)) this.#sqlite.wasm.dealloc(address)
  }

  #unlock(handle: number, slot: number): void {
    this.#sharers[slot]?.delete(handle)
    if (this.#owners[slot] === handle) this.#owners[slot] = undefined
  }

  #isFree(handle: number, slot: number, isShared: boolean): boolean {
    const owner = this.#owners[slot]
    if (owner !== undefined && owner !== handle) return false
    const sharers = this.#sharers[slot] ?? new Set()
    return isShared || sharers.size === 0 || (sharers.size === 1 && sharers.has(handle))
  }
}
