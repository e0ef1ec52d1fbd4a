// Our Signal protocol against the official library: a small run of the differential test in each
// runtime, the same judgement of spoilt messages, and the older versions where they are installed.

import { describe, expect, test } from 'bun:test'
import { bunCurve } from '@parley/crypto/bun'
import { compareVerdicts } from './differential.ts'
import { expectationOf, WITHOUT_SPQR } from './expectations.ts'
import { isInstalled, oracleProgram, PINNED_ORACLE } from './install.ts'
import { startOracle } from './oracle-process.ts'
import { judge, type Report } from './report.ts'
import { performIn, type Runtime } from './runtimes.ts'

const TIMEOUT_MS = 300_000
const SEED = 20_260
const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0

interface Run {
  oracle?: string
  deliveries: number
  seed: number
}

async function reportOf(
  runtime: Runtime,
  { oracle = PINNED_ORACLE, deliveries, seed }: Run,
): Promise<Report> {
  const expectation = expectationOf(oracle)
  const job = { kind: 'run', oracle, expectation, deliveries, seed } as const
  return judge(job, await performIn(runtime, job), 0)
}

describe('against the official library', () => {
  for (const each of [SEED, seed]) {
    test(
      `2,000 deliveries over a bad network arrive once and unaltered, seed ${each}`,
      async () => {
        const { problems, verdict, details } = await reportOf('bun', {
          deliveries: 2_000,
          seed: each,
        })
        expect(problems).toEqual([])
        expect(verdict.deliveries).toBeGreaterThanOrEqual(2_000)
        expect(details.duplicatesRefused).toBeGreaterThan(10)
        expect(details.epochs).toBeGreaterThanOrEqual(5)
        expect(details.recordBytesMax).toBeLessThan(200_000)
        expect(details.groupDeliveries).toBeGreaterThanOrEqual(600)
        expect(details.groupDuplicatesRefused).toBeGreaterThan(0)
        expect(details.senderKeys).toBeGreaterThan(8)
        expect(details.safetyNumbers).toBeGreaterThanOrEqual(5)
      },
      TIMEOUT_MS,
    )
  }

  for (const runtime of ['node', 'chromium'] as const) {
    test(
      `300 deliveries, groups and safety numbers in ${runtime}, seed ${seed}`,
      async () => {
        const { problems, verdict, details } = await reportOf(runtime, { deliveries: 300, seed })
        expect(problems).toEqual([])
        expect(verdict.deliveries).toBeGreaterThanOrEqual(300)
        expect(details.groupDeliveries).toBeGreaterThanOrEqual(600)
      },
      TIMEOUT_MS,
    )
  }

  test(
    `[E4] [E5] [E14] [E26] 5,000 spoilt messages are judged alike, or here more strictly, seed ${seed}`,
    async () => {
      await using oracle = startOracle(oracleProgram(PINNED_ORACLE))
      const verdicts = await compareVerdicts({ oracle, curve: bunCurve, mutations: 5_000, seed })
      expect(verdicts.disagreements).toEqual([])
      expect(verdicts.mutants).toBeGreaterThanOrEqual(5_000)
      expect(verdicts.bothRefuse).toBeGreaterThan(4_000)
      expect(verdicts.bothAccept).toBeGreaterThan(50)
      const stricter = Object.values(verdicts.stricter).reduce((sum, count) => sum + count, 0)
      expect(stricter).toBeLessThan(300)
      expect(Object.keys(verdicts.kinds).length).toBeGreaterThan(130)
    },
    TIMEOUT_MS,
  )
})

describe('[E4] against older versions of it, where they are installed', () => {
  const older = { '0.100.0': 300, '0.92.2': 300, '0.90.0': 300, '0.67.3': 10 }
  for (const [oracle, deliveries] of Object.entries(older)) {
    test.skipIf(![oracle, WITHOUT_SPQR].every(isInstalled))(
      `${oracle} does what is expected of it (${expectationOf(oracle)}), seed ${seed}`,
      async () => {
        const { problems } = await reportOf('bun', { oracle, deliveries, seed })
        expect(problems).toEqual([])
      },
      TIMEOUT_MS,
    )
  }
})
