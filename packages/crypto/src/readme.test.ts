// What the README says: its example runs as it is shown, and nothing but what is passed in decides.

import { expect, spyOn, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nobleAesGcm, nobleCurve } from './index.reference.ts'
import * as signal from './index.ts'
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

test('only what is passed in decides: no clock is read and no other randomness drawn', async () => {
  const asked = [
    spyOn(crypto, 'getRandomValues'),
    spyOn(crypto, 'randomUUID'),
    spyOn(Math, 'random'),
    spyOn(Date, 'now'),
    spyOn(performance, 'now'),
  ]
  const random = repeatableRandom('pure')
  const { privateKey } = signal.generateKeyPair(random)
  signal.sign(privateKey, new Uint8Array(9), random)
  await example(random)
  signal.createSenderKey({ distributionId: '3d0f6ac2-6f5f-4b7a-9f6e-1d2c3b4a5968', random })
  signal.rootKeyPair(signal.newRecoveryKey(random))
  const plaintext = [new Uint8Array(40_000)]
  for await (const _ of signal.sealMedia({ plaintext, aesGcm: nobleAesGcm, random }).ciphertext);
  const calls = asked.map((spy) => spy.mock.calls.length)
  expect(calls).toEqual(asked.map(() => 0))

  const seed = random(32)
  const signature = await nobleCurve.sign(seed, new Uint8Array(9))
  expect(asked[0]?.mock.calls.length).toBeGreaterThan(0)
  expect(await nobleCurve.sign(seed, new Uint8Array(9))).toEqual(signature)
  for (const spy of asked) spy.mockRestore()
})
