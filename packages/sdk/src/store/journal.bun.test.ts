/** The journal of a profile that a killed process left behind. */
import { afterAll, expect, test } from 'bun:test'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StoreError } from '../platform/ports.ts'
import { writeJournalAgain } from './journal.bun.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-journal-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each([0, 1, 1024 * 1024, 2 * 1024 * 1024 + 17])(
  '[I5] a journal of %i bytes is written again, and stays what it was',
  (size) => {
    const database = join(folder, `${size}.db`)
    const journal = `${database}-wal`
    const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 10)) & 255)
    writeFileSync(journal, bytes)
    utimesSync(journal, 1, 1)
    writeJournalAgain(database)
    expect(Buffer.compare(readFileSync(journal), bytes)).toBe(0)
    if (size > 0) expect(statSync(journal).mtimeMs).toBeGreaterThan(1_000)
  },
)

test('[I5] without a journal nothing is made', () => {
  const database = join(folder, 'none.db')
  writeJournalAgain(database)
  expect(() => statSync(`${database}-wal`)).toThrow('ENOENT')
})

test('[I5] one that cannot be written is a failure of the store', () => {
  const database = join(folder, 'folder.db')
  mkdirSync(`${database}-wal`)
  expect(() => writeJournalAgain(database)).toThrow(StoreError)
})
