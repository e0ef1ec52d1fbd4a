// Safety numbers as the official library makes them, from either side.

import { expect, test } from 'bun:test'
import { fromBase64 } from './base64.fixture.ts'
import { safetyNumber } from './fingerprint.ts'
import { readVectors } from './vectors.fixture.ts'

interface Vectors {
  numbers: {
    localId: string
    localKey: string
    remoteId: string
    remoteKey: string
    digits: string
    scannable: string
  }[]
}

const { numbers } = readVectors<Vectors>('libsignal-safety-numbers')

test('[E2] digits and scannable form are those of the official library', () => {
  expect(numbers.length).toBeGreaterThan(2)
  for (const { digits, scannable, ...texts } of numbers) {
    const [localId, localKey] = [fromBase64(texts.localId), fromBase64(texts.localKey)]
    const [remoteId, remoteKey] = [fromBase64(texts.remoteId), fromBase64(texts.remoteKey)]
    const here = safetyNumber({ localId, localKey, remoteId, remoteKey })
    expect(here).toMatchObject({ digits, scannable: fromBase64(scannable) })
    const there = safetyNumber({
      localId: remoteId,
      localKey: remoteKey,
      remoteId: localId,
      remoteKey: localKey,
    })
    expect(there.digits).toBe(digits)
  }
})
