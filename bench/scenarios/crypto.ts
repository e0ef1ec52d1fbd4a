/**
 * Our Signal protocol beside the official library, in turns on the same machine: ours in a worker
 * of this process, the library in a process of its own (it is never loaded into ours).
 */
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Operation, Run, Task } from '../crypto/operations.ts'

/** Run, never imported: the library stays out of every process of ours. */
const ORACLE = 'tests/interop/speed.ts'
/** After one that warms up and is not counted. */
const ROUNDS = 7

const repetitions: Record<Operation, number> = {
  'session-setup': 40,
  'first-decrypt': 40,
  encrypt: 400,
  decrypt: 400,
  'decrypt-dh-step': 100,
  'sender-key-encrypt': 400,
  'sender-key-decrypt': 400,
  'fan-out-512': 2,
}

interface Implementation extends AsyncDisposable {
  run: Run
}

export async function* cryptoSpeed() {
  await using ours = startOurs()
  await using libsignal = await startLibsignal()
  for (const [operation, times] of Object.entries(repetitions)) {
    const task = { operation: operation as Operation, repetitions: times }
    await ours.run(task)
    await libsignal.run(task)
    const [us, theirs]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      us.push(await ours.run(task))
      theirs.push(await libsignal.run(task))
    }
    yield {
      operation,
      us: rounded(median(us)),
      libsignal_us: rounded(median(theirs)),
      ratio: Math.round((100 * median(us)) / median(theirs)) / 100,
      us_min: rounded(Math.min(...us)),
      us_max: rounded(Math.max(...us)),
      libsignal_us_min: rounded(Math.min(...theirs)),
      libsignal_us_max: rounded(Math.max(...theirs)),
    }
  }
}

function startOurs(): Implementation {
  const worker = new Worker(new URL('../crypto/ours.ts', import.meta.url).href)
  return {
    run: (task) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data)
        worker.onerror = (event) => reject(new Error(event.message))
        worker.postMessage(task)
      }),
    async [Symbol.asyncDispose]() {
      worker.terminate()
    },
  }
}

async function startLibsignal(): Promise<Implementation> {
  const script = join(import.meta.dirname, '../..', ORACLE)
  const command = [process.execPath, script]
  if ((await Bun.spawn([...command, 'install']).exited) !== 0) {
    throw new Error('the official library could not be installed')
  }
  const child = Bun.spawn(command, { stdin: 'pipe', stdout: 'pipe' })
  const lines = createInterface({ input: Readable.fromWeb(child.stdout as never) })
  const answers = lines[Symbol.asyncIterator]()
  return {
    async run(task: Task) {
      await child.stdin.write(`${JSON.stringify(task)}\n`)
      await child.stdin.flush()
      const { value, done } = await answers.next()
      if (done) throw new Error('the process of the official library ended')
      return JSON.parse(value) as number
    },
    async [Symbol.asyncDispose]() {
      await child.stdin.end()
      await child.exited
    },
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

function rounded(us: number): number {
  return Math.round(us * 10) / 10
}
