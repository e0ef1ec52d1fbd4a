// The example of the README runs, and is the one that the README shows.

import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { example } from './readme-example.fixture.ts'
import { repeatableRandom } from './two-devices.fixture.ts'

test('the example of the README works', async () => {
  expect(await example(repeatableRandom('readme'))).toBe('Hello, Bob')
})

test('the README shows the example as it is', () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const source = readFileSync(join(import.meta.dirname, 'readme-example.fixture.ts'), 'utf8')
  const code = source.slice(source.indexOf('export async function'))
  expect(readme).toContain(code)
})
