/** What the benchmark measures is what `parley capacity` plans with. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Person } from './cli-harness.ts'

const bench = resolve(import.meta.dirname, '../../bench/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'parley-capacity-'))
const box = join(folder, 'box.json')
afterAll(() => rmSync(folder, { recursive: true }))

/** Nobody has to be reached. */
const person = () => Person.create({ url: 'http://127.0.0.1:1' })

test('a plan is made from what the benchmark has measured', async () => {
  const small = ['--sessions', '50', '--users', '10', '--measure', '1', '--settle', '1']
  const child = Bun.spawn([process.execPath, bench, 'capacity', '--json', ...small], {
    stdin: 'ignore',
    stdout: Bun.file(box),
    stderr: 'inherit',
  })
  expect(await child.exited).toBe(0)
  await using operator = await person()
  const capacity = ['capacity', '--dau', '100000', '--figures', box, '--estimate']
  const { lines, status, stderr } = await operator.run(capacity)
  expect(status, stderr).toBe(0)
  expect(lines[0]).toMatchObject({
    dau: 100_000,
    messages_per_day: 1_000_000,
    connections_peak: 10_000,
  })
  const measured = lines[0]?.['measured'] as Record<string, number>
  expect(measured['disk_bytes_per_message']).toBeGreaterThan(300)
  expect(measured['network_bytes_per_message']).toBeGreaterThan(600)
  expect(lines.slice(1).find(({ unit }) => unit === 'PB')?.['model']).toBe(1.825)
  const { stdout } = await operator.run(capacity, { json: false })
  for (const what of ['Nodes', 'Processor', 'Memory', 'Disk', 'Bandwidth']) {
    expect(stdout).toContain(what)
  }
}, 60_000)

test('a wrong question is answered with what is wrong', async () => {
  await using operator = await person()
  writeFileSync(box, '{"scenario":"idle"}\n')
  const wrong: [string[], string][] = [
    [['--dau', 'many'], '--dau takes a number above 0'],
    [['--dau', '5', '--connected', '1.5'], '--connected takes a number above 0, at most 1'],
    [['--dau', '5', '--figures', join(folder, 'none')], 'cannot be read'],
    [['--dau', '5', '--figures', box], 'npm run bench -- capacity --json'],
    [[], '--dau'],
  ]
  for (const [argv, says] of wrong) {
    const { status, stderr, stdout } = await operator.run(['capacity', ...argv])
    expect(status).toBe(2)
    expect(stderr).toContain(says)
    expect(stdout).toBe('')
  }
})
