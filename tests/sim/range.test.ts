/** That many seeds come to a true verdict, whatever becomes of the processes that run them. */
import { expect, test } from 'bun:test'
import { runRange } from './range.ts'
import type { Manner } from './range.ts'

const range = { first: 1, last: 7, plant: undefined, storm: 'wide', jobs: 2 } as const
const testMs = 120_000
/** Answers for each seed as a process of the simulation does, but dies at 3 and hangs at 5. */
const program = `
for await (const line of console) {
  if (line === '3') process.exit(9)
  if (line === '5') await new Promise(() => setInterval(() => {}, 60_000))
  const outcome = { seed: Number(line), steps: 10, sent: 1, crashes: 0, met: { frames: { send: 1 } } }
  console.log(JSON.stringify(outcome))
}`
const manner: Manner = {
  talks: false,
  stopsAtFailure: false,
  worker: {
    command: [process.execPath, '-e', program],
    patienceMs: 15_000,
  },
}

test(
  'a process that dies or hangs costs its seed, and the others run',
  async () => {
    const outcome = await runRange(range, manner)
    expect(outcome.failed).toEqual([
      { seed: 3, invariant: 'died', byCrash: false },
      { seed: 5, invariant: 'hangs', byCrash: false },
    ])
    expect(outcome).toMatchObject({ seeds: 7, steps: 50, sent: 5, partial: false })
    expect(outcome.met).toEqual({ frames: { send: 5 } })
  },
  testMs,
)

test(
  'what is stopped says so, and counts what has run until then',
  async () => {
    const stopping = new AbortController()
    const outcome = await runRange(
      { ...range, last: 2_000, jobs: 1, first: 6 },
      {
        ...manner,
        signal: stopping.signal,
        onSeed: ({ seeds }) => seeds === 60 && stopping.abort(),
      },
    )
    expect(outcome).toMatchObject({ seeds: 60, steps: 600, failed: [], partial: true })
  },
  testMs,
)

test(
  'with a planted fault it ends at the first seed that finds it',
  async () => {
    const outcome = await runRange({ ...range, jobs: 1 }, { ...manner, stopsAtFailure: true })
    expect(outcome).toMatchObject({ seeds: 3, partial: true })
    expect(outcome.failed).toHaveLength(1)
  },
  testMs,
)
