/** [L1] Acceptance waits for the disk, as the kernel sees it; and a server that does not is found. */
import { beforeAll, expect, test } from 'bun:test'
import { countFsyncs, haveStrace, unsynced } from './fsyncs.ts'

beforeAll(async () => {
  const isThere = await haveStrace((line) => process.stderr.write(`${line}\n`))
  if (!isThere) throw new Error('There is no strace. Install the package strace.')
}, 300_000)

test('[L1][W10] no Accepted leaves before the sync that covers its append', async () => {
  const verdict = await countFsyncs(undefined)
  expect(verdict).toMatchObject({ early: 0, untraced: 0 })
  expect(verdict.messages).toBeGreaterThanOrEqual(300)
  expect(verdict.fsyncs).toBeGreaterThanOrEqual(50)
}, 120_000)

test('a server with synchronous=OFF is found', async () => {
  const verdict = await countFsyncs(unsynced)
  expect(verdict).toMatchObject({ early: verdict.messages, untraced: 0, fsyncs: 0 })
}, 120_000)
