// Our Signal protocol against the official library: a small run of the differential test, the same
// judgement of spoilt messages, and the same safety numbers.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { generateKeyPair, safetyNumber } from '@parley/crypto'
import { compareVerdicts } from './differential.ts'
import { PINNED_ORACLE } from './install.ts'
import { type Oracle, startOracle } from './oracle-client.ts'
import { fromBase64, toBase64 } from './oracle-protocol.ts'
import { Dice } from './random.ts'
import { runInterop } from './run.ts'

const TIMEOUT_MS = 300_000
const SEED = 20_260

let oracle: Oracle
beforeAll(() => {
  oracle = startOracle(PINNED_ORACLE)
}, TIMEOUT_MS)
afterAll(async () => {
  await oracle[Symbol.asyncDispose]()
})

describe('against the official library', () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0

  for (const each of [SEED, seed]) {
    test(
      `2,000 deliveries over a bad network arrive once and unaltered, seed ${each}`,
      async () => {
        const problems: string[] = []
        const report = (problem: string) => problems.push(problem)
        const options = { oracle: PINNED_ORACLE, deliveries: 2_000, seed: each, report }
        const tally = await runInterop(options)
        expect(problems).toEqual([])
        expect(tally.errors).toBe(0)
        expect(tally.deliveries).toBeGreaterThanOrEqual(2_000)
        expect(tally.duplicatesRefused).toBeGreaterThan(20)
        expect(tally.epochs).toBeGreaterThanOrEqual(5)
        expect(tally.recordBytesMax).toBeLessThan(200_000)
      },
      TIMEOUT_MS,
    )
  }

  test(
    `[E5] [E26] 5,000 spoilt messages are judged alike, or by us more strictly, seed ${seed}`,
    async () => {
      const verdicts = await compareVerdicts({ oracle, mutants: 5_000, seed })
      expect(verdicts.disagreements).toEqual([])
      expect(verdicts.mutants).toBeGreaterThanOrEqual(5_000)
      expect(verdicts.bothRefuse).toBeGreaterThan(4_000)
      expect(verdicts.bothAccept).toBeGreaterThan(50)
      expect(verdicts.stricter).toBeLessThan(100)
    },
    TIMEOUT_MS,
  )

  test('[E2] safety numbers are those of the official library', async () => {
    const { bytes } = new Dice(SEED, 1)
    for (let round = 0; round < 5; round++) {
      const ids = { localId: bytes(16), remoteId: bytes(16) }
      const localKey = generateKeyPair(bytes).publicKey
      const remoteKey = generateKeyPair(bytes).publicKey
      const { digits, scannable } = safetyNumber({ ...ids, localKey, remoteKey })
      const expected = await oracle.ask({
        op: 'fingerprint',
        localId: toBase64(ids.localId),
        localKey: toBase64(localKey),
        remoteId: toBase64(ids.remoteId),
        remoteKey: toBase64(remoteKey),
      })
      expect(digits).toBe(expected.digits)
      expect(scannable).toEqual(fromBase64(expected.scannable))
    }
  })
})
