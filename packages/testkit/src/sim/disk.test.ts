/** What the proofs stand on: what the simulated disk keeps, loses and tears, over many seeds. */
import { expect, test } from 'bun:test'
import { DiskError, SimDisk } from './disk.ts'
import type { DiskFault } from './disk.ts'
import { SimRandom } from './random.ts'

const seeds = Array.from({ length: 200 }, (_, index) => index + 1)
const path = 'file'
const sectorBytes = 512
const sizeMax = 16 * sectorBytes

interface Rig {
  disk: SimDisk
  random: SimRandom
  faults: DiskFault[]
}

function rig(seed: number): Rig {
  const random = new SimRandom(seed)
  const faults: DiskFault[] = []
  const disk = new SimDisk({
    random: random.fork(),
    onOperation: () => true,
    onFault: (fault) => faults.push(fault),
  })
  disk.create(path)
  return { disk, random, faults }
}

function contentOf(disk: SimDisk): Uint8Array {
  const bytes = new Uint8Array(disk.size(path))
  disk.read(path, 0, bytes)
  return bytes
}

/** Writes somewhere, with a number in each byte that tells the write. */
function writeSomewhere({ disk, random }: Rig, number: number): { start: number; end: number } {
  const start = random.below(sizeMax / 2)
  const length = random.between(1, sizeMax / 2)
  disk.write(path, start, new Uint8Array(length).fill(number))
  return { start, end: start + length }
}

test('after a crash each byte is what was synced, or of a write that came after the sync', () => {
  for (const seed of seeds) {
    const made = rig(seed)
    const { disk, random } = made
    for (let number = 1; number <= 10; number++) writeSomewhere(made, number)
    disk.sync(path)
    const synced = contentOf(disk)
    const after = Array.from({ length: random.between(0, 6) }, (_, index) => {
      return { number: 100 + index, ...writeSomewhere(made, 100 + index) }
    })
    disk.losePower()
    const kept = contentOf(disk)
    expect(kept.length).toBeGreaterThanOrEqual(synced.length)
    const wrong = [...kept.entries()].filter(([offset, byte]) => {
      const isOf = (write: { start: number; end: number; number: number }) =>
        offset >= write.start && offset < write.end && write.number === byte
      return byte !== (synced[offset] ?? 0) && !after.some(isOf)
    })
    expect({ seed, wrong }).toEqual({ seed, wrong: [] })
  }
})

test('what was synced is there after any number of crashes', () => {
  for (const seed of seeds) {
    const made = rig(seed)
    writeSomewhere(made, 1)
    made.disk.sync(path)
    const synced = contentOf(made.disk)
    for (let crash = 0; crash < 3; crash++) made.disk.losePower()
    expect(contentOf(made.disk)).toEqual(synced)
    expect(made.faults).toEqual([])
  }
})

test('a torn write is whole sectors of itself, counted from its start', () => {
  let torn = 0
  for (const seed of seeds) {
    const { disk, faults } = rig(seed)
    disk.write(path, 0, new Uint8Array(8 * sectorBytes).fill(1))
    disk.sync(path)
    disk.write(path, 0, new Uint8Array(8 * sectorBytes).fill(2))
    disk.losePower()
    const bytes = contentOf(disk)
    for (let start = 0; start < bytes.length; start += sectorBytes) {
      const values = new Set(bytes.subarray(start, start + sectorBytes)).size
      expect({ seed, start, values }).toEqual({ seed, start, values: 1 })
    }
    if (faults.includes('write torn') && new Set(bytes).size === 2) torn++
  }
  expect(torn).toBeGreaterThan(10)
})

test('of writes after a sync some stay, some go and some tear, over the seeds', () => {
  const outcomes = new Set<string>()
  for (const seed of seeds) {
    const { disk, faults } = rig(seed)
    disk.write(path, 0, new Uint8Array(4 * sectorBytes).fill(1))
    disk.losePower()
    outcomes.add(faults[0] ?? 'stays')
  }
  expect([...outcomes].toSorted()).toEqual(['stays', 'write lost', 'write torn'])
})

test('a failed sync says so, and what it did not write is gone with the power, later syncs or not', () => {
  let lost = 0
  for (const seed of seeds) {
    const { disk, faults } = rig(seed)
    disk.write(path, 0, Uint8Array.of(1, 2, 3))
    disk.syncsToFail = 1
    expect(() => disk.sync(path)).toThrow(DiskError)
    expect(faults).toEqual(['sync failed'])
    // Reads show it all the same, and the next sync finds nothing to do.
    expect([...contentOf(disk)]).toEqual([1, 2, 3])
    disk.sync(path)
    disk.losePower()
    if (disk.size(path) === 0) lost++
    else expect([...contentOf(disk)]).toEqual([1, 2, 3])
  }
  expect(lost).toBeGreaterThan(50)
  expect(lost).toBeLessThan(150)
})

test('a full disk takes what fits into its files, and nothing that makes them grow', () => {
  const { disk, faults } = rig(1)
  disk.write(path, 0, new Uint8Array(100).fill(1))
  disk.isFull = true
  disk.write(path, 50, new Uint8Array(50).fill(2))
  expect(() => disk.write(path, 51, new Uint8Array(50).fill(3))).toThrow('full')
  expect(faults).toEqual(['full'])
  expect(disk.size(path)).toBe(100)
  expect(contentOf(disk)[99]).toBe(2)
  disk.isFull = false
  disk.write(path, 51, new Uint8Array(50).fill(3))
  expect(disk.size(path)).toBe(101)
})

test('after the death of its process nothing is changed any more', () => {
  let isAlive = true
  const disk = new SimDisk({
    random: new SimRandom(1),
    onOperation: () => isAlive,
    onFault: () => {},
  })
  disk.create(path)
  disk.write(path, 0, Uint8Array.of(1))
  isAlive = false
  for (const change of [
    () => disk.write(path, 0, Uint8Array.of(2)),
    () => disk.truncate(path, 0),
    () => disk.sync(path),
    () => disk.remove(path),
  ]) {
    expect(change).toThrow('dead')
  }
  expect([...contentOf(disk)]).toEqual([1])
  disk.losePower()
  expect(disk.size(path)).toBeLessThanOrEqual(1)
})

test('truncating is undone by a crash or not, like a write', () => {
  const sizes = new Set<number>()
  for (const seed of seeds) {
    const { disk } = rig(seed)
    disk.write(path, 0, new Uint8Array(10).fill(1))
    disk.sync(path)
    disk.truncate(path, 4)
    expect(disk.size(path)).toBe(4)
    disk.losePower()
    sizes.add(disk.size(path))
  }
  expect([...sizes].toSorted((a, b) => a - b)).toEqual([4, 10])
})

test('an image is put back whole, and survives a crash', () => {
  for (const seed of seeds) {
    const made = rig(seed)
    const { disk } = made
    writeSomewhere(made, 1)
    const image = disk.image()
    const before = contentOf(disk)
    writeSomewhere(made, 2)
    disk.create('another')
    disk.restore(image)
    disk.losePower()
    expect(contentOf(disk)).toEqual(before)
    expect(disk.has('another')).toBe(false)
  }
})
