/**
 * Two minutes of `npm run chaos`, its end by Ctrl-C, and a server with a planted fault that it must
 * find.
 */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { faultsIn } from './checker.ts'
import { forget, run } from './run.ts'

const main = join(import.meta.dirname, 'main.ts')

function chaos(...options: string[]) {
  return Bun.spawn([process.execPath, main, '--json', ...options], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

const nothingWrong = {
  ...{ lost: 0, duplicated: 0, reordered: 0, undecryptable: 0 },
  ...{ invented: 0, unaccepted: 0, unended: 0, crashes: 0, settled: true },
}

test('[I1][I2][I3][I5] two minutes of kills, full disks, stepped clocks and bad networks cost nothing', async () => {
  const child = chaos('--minutes', '2', '--kills', '8', '--seed', '1')
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
  const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  expect({ ...found, stderr }).toMatchObject({ ...nothingWrong, seed: 1, kills: 8, partial: false })
  expect(await child.exited).toBe(0)
  expect(found.sent).toBe(found.accepted)
  expect(found.delivered).toBe(found.accepted)
  expect(found.accepted).toBeGreaterThan(5_000)
  expect(found.displayed).toBeGreaterThan(500)
}, 420_000)

test('Ctrl-C ends the load, and the verdict on what was sent until then is a true one', async () => {
  const child = chaos('--minutes', '30', '--seed', '2', '--verbose')
  let said = ''
  const decoder = new TextDecoder()
  for await (const chunk of child.stderr) {
    said += decoder.decode(chunk, { stream: true })
    if (said.split('\n').length > 3 && !said.includes('Stopping')) child.kill('SIGINT')
  }
  const found = JSON.parse(await child.stdout.text()) as Record<string, unknown>
  expect({ ...found, said }).toMatchObject({ ...nothingWrong, partial: true })
  expect(found.delivered).toBe(found.accepted)
  expect(found.accepted).toBeGreaterThan(0)
  expect(await child.exited).toBe(0)
}, 300_000)

test('a server whose log forgets a batch now and then is found', async () => {
  const outcome = await run({
    ...{ seed: 3, minutes: 0.7, kills: 6, rates: { raw: 300, sdk: 0 } },
    stop: new AbortController().signal,
    preload: join(import.meta.dirname, 'losing.fixture.ts'),
    settleMsMax: 15_000,
    tell: () => {},
    progress: () => {},
  })
  expect(outcome.verdict.lost).toBeGreaterThan(0)
  expect(faultsIn(outcome.verdict)).toBeGreaterThan(0)
  forget(outcome)
}, 300_000)
