/** What `npm run bench` understands, and what it says to what it does not. */
import { describe, expect, test } from 'bun:test'
import { readCommandLine } from './command-line.ts'
import { count, counts, flag, scenario } from './scenario.ts'

const nothing = scenario({
  says: 'does nothing',
  options: {
    users: count(10, 'users'),
    w: counts('in flight'),
    alone: flag('alone'),
  },
  async *run() {},
})
const scenarios = { nothing, other: nothing }

const read = (line: string) => readCommandLine(scenarios, line.split(' ').filter(Boolean))

test('a scenario runs with what was said, and the usual for the rest', () => {
  expect(read('nothing')).toEqual({
    kind: 'run',
    name: 'nothing',
    values: { json: false, runs: 1, help: false, users: 10, w: undefined, alone: false },
    json: false,
    runs: 1,
  })
  expect(read('nothing --users 7 --w 1,8 --alone --json --runs 3')).toMatchObject({
    kind: 'run',
    values: { users: 7, w: [1, 8], alone: true },
    json: true,
    runs: 3,
  })
})

test('options may stand before the scenario', () => {
  expect(read('--users 7 nothing')).toMatchObject({ name: 'nothing', values: { users: 7 } })
})

test('list names the scenarios', () => {
  expect(read('list')).toEqual({ kind: 'print', text: 'nothing\nother\n' })
})

test('help names every option with its usual value', () => {
  const { kind, text } = read('nothing --help') as { kind: string; text: string }
  expect(kind).toBe('print')
  expect(text).toContain('--users N          users (10)')
  expect(text).toContain('--w LIST           in flight')
  expect(text).toContain('--alone            alone')
  expect(read('--help')).toMatchObject({ kind: 'print', text: expect.stringContaining('other') })
})

describe('wrong usage says what is wrong:', () => {
  const wrong: Record<string, string> = {
    '': 'Say which scenario.',
    none: 'There is no scenario none.',
    toString: 'There is no scenario toString.',
    'nothing other': 'One scenario at a time',
    'nothing --users': 'users',
    'nothing --users 0': '--users cannot be 0.',
    'nothing --users many': '--users cannot be many.',
    'nothing --w 1,,8': '--w cannot be 1,,8.',
    'nothing --unknown': '--unknown',
    'nothing --alone=yes': '--alone',
  }
  for (const [line, says] of Object.entries(wrong)) {
    test(line === '' ? 'nothing at all' : line, () => {
      const expected = { kind: 'wrong', text: expect.stringContaining(says) }
      expect(read(line)).toMatchObject(expected)
    })
  }
})
