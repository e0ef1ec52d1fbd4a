// `npm run interop` as scripts see it: its last line, its exit codes, and a schedule played again.

import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PINNED_ORACLE } from './install.ts'
import type { Schedule, Turn } from './schedule.ts'

const TIMEOUT_MS = 120_000

async function interop(...args: string[]) {
  const script = join(import.meta.dirname, 'interop.ts')
  const child = Bun.spawn([process.execPath, script, ...args], { stdout: 'pipe', stderr: 'pipe' })
  const [output, talk] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { output, talk, code: await child.exited }
}

async function replayed(turns: Turn[]) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-interop-test-'))
  try {
    const file = join(folder, 'schedule.json')
    const head = { kind: 'pair', starts: 'ours', oneTime: true, seed: 1, stream: 0 } as const
    const schedule: Schedule = { ...head, turns }
    writeFileSync(file, JSON.stringify(schedule))
    return await interop('--replay', file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The first message to the oracle is under way for so many turns of both. */
function overtaken(turns: number): Turn[] {
  const says = (side: Turn['side'], delay = 0): Turn => ({ side, messages: [{ bytes: 3, delay }] })
  const answers = Array.from({ length: turns }, () => [says('theirs'), says('ours')]).flat()
  return [says('ours'), says('theirs'), says('ours', 2 * turns), ...answers]
}

test(
  'with --json the only line on the standard output is the one that scripts read',
  async () => {
    const { output, talk, code } = await interop('--deliveries', '60', '--seed', '3', '--json')
    const line = JSON.parse(output) as Record<string, unknown>
    expect(line).toMatchObject({ oracle: PINNED_ORACLE, errors: 0, seed: 3 })
    expect(line.deliveries).toBeGreaterThanOrEqual(60)
    expect(talk).toContain('seed 3')
    expect(code).toBe(0)
  },
  TIMEOUT_MS,
)

test(
  'a schedule is played again, and exit code 1 says that it failed',
  async () => {
    expect((await replayed(overtaken(2))).code).toBe(0)
    // More turns than the library keeps chains for: it refuses a message of ours.
    const { talk, code } = await replayed(overtaken(8))
    expect(talk).toContain('theirs could not open a genuine message')
    expect(code).toBe(1)
  },
  TIMEOUT_MS,
)

test('what is not understood exits with 2', async () => {
  expect((await interop('--runtime', 'deno')).code).toBe(2)
  expect((await interop('--deliveries', 'many')).code).toBe(2)
})
