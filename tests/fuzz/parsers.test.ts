/** Part of `npm run check`: a parser is not added without being fuzzed. */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { excluded, parsersIn } from './parsers.ts'
import { targets } from './targets.ts'

const root = join(import.meta.dir, '../..')

describe('no parser is forgotten', () => {
  const covered = new Set(targets.flatMap(({ covers }) => covers))
  const found = parsersIn(root)

  test('every exported function that parses is in a target, or is left out for a reason', () => {
    expect(found.length).toBeGreaterThan(30)
    const forgotten = found.filter((name) => !covered.has(name) && !Object.hasOwn(excluded, name))
    expect(forgotten).toEqual([])
  })

  test('nothing is left out that is not there, or is in a target all the same', () => {
    const stale = Object.keys(excluded).filter((name) => !found.includes(name) || covered.has(name))
    expect(stale).toEqual([])
  })
})
