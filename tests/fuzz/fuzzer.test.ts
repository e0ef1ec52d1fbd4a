import { expect, test } from 'bun:test'
import { join } from 'node:path'
import type { FindingKind } from './examine.ts'
import { targets } from './planted.fixture.ts'
import { bounds, type Target, textOf } from './target.ts'
import { replayInput, runTarget } from './watch.ts'

const module = join(import.meta.dir, 'planted.fixture.ts')
const tight = { ...bounds, inputMsMax: 100, hangMs: 2_500, growthBytesMax: 4 * 1024 * 1024 }
const run = { module, seed: 7, seconds: 30, inputsMax: 20_000, bounds: tight }

function plantedTarget(name: string): Target {
  const target = targets.find((each) => each.name === name)
  if (!target) throw new Error(`nothing is planted as ${name}`)
  return target
}

function bytesIn(base64: string): number[] {
  return [...Buffer.from(base64, 'base64')]
}

const planted: readonly [name: string, kind: FindingKind, shrunk: number[]][] = [
  ['type-error', 'untyped-error', [0x80]],
  ['never', 'hang', [0xff]],
  ['slow', 'slow', [0x7f]],
  ['grows', 'growth', [3]],
  ['pollutes', 'pollution', [0x81]],
  ['large', 'large-output', [0xfe]],
  ['writes', 'changed-input', [0x80]],
  ['uncaught', 'untyped-error', [0x81]],
  ['unsteady', 'unsteady', [0x7f]],
]

test.each(planted)('a planted fault is found and made small: %s', async (name, kind, shrunk) => {
  // On a busy machine what is only slow must not be taken for a hang.
  const hangMs = kind === 'slow' ? 30_000 : tight.hangMs
  const { failure, inputs } = await runTarget(plantedTarget(name), {
    ...run,
    bounds: { ...tight, hangMs },
  })
  expect(failure).toMatchObject({ kind, target: name, function: name, seed: 7 })
  expect(inputs).toBeLessThan(40_000)
  expect(bytesIn(failure?.input ?? '')).toEqual(shrunk)
})

test('a loop without an end is stopped from outside and made small', async () => {
  const { failure } = await runTarget(plantedTarget('endless'), run)
  expect(failure?.kind).toBe('hang')
  expect(bytesIn(failure?.input ?? '').sort()).toEqual([0x80, 0xff])
})

test('an input that ends the process is known', async () => {
  const { failure } = await runTarget(plantedTarget('dies'), run)
  expect(failure?.kind).toBe('crash')
  expect(bytesIn(failure?.input ?? '')).toContain(0xfe)
})

test('a fault in text is made small as text', async () => {
  const { failure } = await runTarget(plantedTarget('text'), run)
  expect(failure?.kind).toBe('untyped-error')
  expect(textOf(Buffer.from(failure?.input ?? '', 'base64'))).toBe('__proto__')
})

test('a valid input that is refused is a finding: the corpus would be worth nothing', async () => {
  const { failure } = await runTarget(plantedTarget('refuses-seed'), run)
  expect(failure?.kind).toBe('refused-seed')
})

test('a sound parser passes, and a seed repeats the run', async () => {
  const twice = [0, 1].map(() => runTarget(plantedTarget('sound'), run))
  const [first, second] = await Promise.all(twice)
  expect(first?.failure).toBeUndefined()
  expect(first?.inputs).toBe(20_000)
  expect(second?.behaviours).toBe(first?.behaviours ?? 0)
})

test('an input is run again by its base64', async () => {
  const target = plantedTarget('type-error')
  const wanted = { function: 'type-error', input: Uint8Array.of(1, 0x80) }
  const { finding } = await replayInput(target, { module, bounds: tight }, wanted)
  expect(finding?.kind).toBe('untyped-error')
  const sound = { ...wanted, input: Uint8Array.of(1) }
  expect((await replayInput(target, { module, bounds: tight }, sound)).finding).toBeUndefined()
})
