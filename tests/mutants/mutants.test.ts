import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Fault } from './fault.ts'
import { faults } from './faults.ts'
import { Ground, planted } from './plant.ts'

const root = dirname(dirname(import.meta.dirname))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

describe('the list of faults', () => {
  test('has at least forty, each with a name of its own and for a change of its own', () => {
    expect(faults.length).toBeGreaterThanOrEqual(40)
    expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length)
    expect(new Set(faults.map(({ file, find, put }) => file + find + put)).size).toBe(faults.length)
  })

  test('does not rot: each has its place in the code, once', () => {
    for (const fault of faults) expect(planted(read(fault.file), fault)).not.toBe(read(fault.file))
  })

  test('names tests that there are', () => {
    for (const { name, killedBy } of faults) {
      const isThere = existsSync(join(root, killedBy.file)) && read(killedBy.file)
      expect(isThere && isThere.includes(killedBy.test) ? name : `${name}: no test`).toBe(name)
    }
  })
})

describe('planting', () => {
  let ground: Ground
  beforeAll(() => {
    ground = new Ground(root)
  })
  afterAll(() => ground[Symbol.dispose]())

  const [known] = faults.filter(({ name }) => name === 'padding-not-checked')
  const fault = known as Fault
  const plant = (change: Partial<Fault>) => ground.try({ ...fault, ...change }, { types: false })

  test.each(['padding-not-checked', 'list-unsigned', 'hold-forgotten'])(
    'kills %s',
    async (name) => {
      const one = faults.find((each) => each.name === name) as Fault
      expect(await ground.complaint(one.killedBy)).toBeUndefined()
      expect(await ground.try(one, { types: false })).toMatchObject({ kind: 'killed' })
      expect(await ground.complaint(one.killedBy)).toBeUndefined()
    },
    30_000,
  )

  test('tells of a fault that survives', async () => {
    const harmless = { put: 'if (MARK !== padded[end])' }
    expect(await plant(harmless)).toEqual({ kind: 'survived' })
  }, 30_000)

  test.each([
    ['whose text is not there', { find: 'if (padded[end] === MARK)' }, '0 times, not once'],
    ['whose text is there twice', { find: 'padded' }, 'times, not once'],
    ['that changes nothing', { put: fault.find }, 'changes nothing'],
    ['that breaks the code', { put: 'if (padded.at(1).none.at(0) !== MARK)' }, 'TypeError'],
    ['that does not parse', { put: 'if (padded[end] !== )' }, 'Unhandled error'],
    ['whose test is not there', { killedBy: { ...fault.killedBy, test: 'none' } }, '0 tests'],
  ])(
    'does not count a fault %s',
    async (_, change, says) => {
      expect(await plant(change)).toEqual({ kind: 'invalid', says: expect.stringContaining(says) })
    },
    30_000,
  )
})
