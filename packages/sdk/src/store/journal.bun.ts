/**
 * The write-ahead log beside a profile's database, before anything is read from it: a process that
 * was killed, or whose sync failed, may have left transactions in the system's cache that the disk
 * does not have. What the next process then shows or acknowledges would go with the power. A sync
 * alone does not help, since after a failed one the system takes the lost pages for clean; so the
 * same bytes are written again in the same place, and synced.
 */
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { StoreError } from '../platform/ports.ts'

const chunkBytes = 1024 * 1024

/** The caller has the database for itself, and has not opened it. Throws StoreError. */
export function writeJournalAgain(databasePath: string): void {
  const path = `${databasePath}-wal`
  if (!existsSync(path)) return
  try {
    const file = openSync(path, 'r+')
    try {
      writeAll(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw new StoreError('failed', `the journal could not be written: ${(error as Error).message}`)
  }
}

function writeAll(file: number): void {
  const { size } = fstatSync(file)
  const chunk = new Uint8Array(Math.min(chunkBytes, size))
  for (let offset = 0; offset < size; offset += chunk.length) {
    const length = readSync(file, chunk, 0, chunk.length, offset)
    writeSync(file, chunk, 0, length, offset)
  }
  fsyncSync(file)
}
