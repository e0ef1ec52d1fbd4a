/** Targets with a planted fault each, to see that the fuzzer finds and shrinks them. */
import { joined } from './mutate-bytes.ts'
import { type FuzzFunction, type Target, textBytes } from './target.ts'

class Documented extends Error {
  override readonly name = 'Documented'
}

const seeds = [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1, 0)]
const kept: Uint8Array[] = []
let calls = 0
const slowMs = 150

function planted(name: string, run: (input: Uint8Array) => unknown): Target {
  const only: FuzzFunction = {
    name,
    kind: 'bytes',
    seeds,
    run,
    refuses: (error) => error instanceof Documented,
    pure: true,
  }
  return { name, says: 'planted', covers: [], open: () => ({ functions: [only] }) }
}

const has = (input: Uint8Array, ...bytes: number[]) => bytes.every((byte) => input.includes(byte))

export const targets: readonly Target[] = [
  planted('sound', (input) => {
    if (input.length > 40) throw new Documented('too long')
    return input.subarray(1)
  }),
  planted('type-error', (input) => {
    if (has(input, 0x80)) return (undefined as unknown as string).length
    return input.length
  }),
  planted('endless', (input) => {
    while (has(input, 0xff, 0x80));
    return input.length
  }),
  planted('never', (input) => (has(input, 0xff) ? new Promise(() => {}) : input.length)),
  planted('slow', (input) => {
    const { user } = process.threadCpuUsage()
    while (has(input, 0x7f) && process.threadCpuUsage().user - user < slowMs * 1000);
    return input.length
  }),
  planted('grows', (input) => {
    if (has(input, 3)) kept.push(new Uint8Array(4_096).fill(1))
    return input.length
  }),
  planted('pollutes', (input) => {
    const target: Record<string, unknown> = {}
    const name = has(input, 0x81) ? '__proto__' : 'own'
    Object.assign((target[name] ??= {}) as object, { planted: true })
    return input.length
  }),
  planted('large', (input) => (has(input, 0xfe) ? new Uint8Array(1 << 24) : input)),
  planted('unsteady', (input) => (has(input, 0x7f) ? calls++ : input.length)),
  planted('writes', (input) => {
    if (has(input, 0x80)) input[0] = 77
    return input.length
  }),
  planted('uncaught', (input) => {
    if (has(input, 0x81)) void Promise.reject(new Error('nobody waits for this'))
    return input.length
  }),
  planted('dies', (input) => {
    if (has(input, 0xfe)) process.kill(process.pid, 'SIGKILL')
    return input.length
  }),
  {
    ...planted('refuses-seed', () => {
      throw new Documented('always')
    }),
  },
  {
    name: 'text',
    says: 'planted',
    covers: [],
    open: () => ({
      functions: [
        {
          name: 'text',
          kind: 'text',
          seeds: [textBytes('{"name":"Ada","numbers":[1,2,3]}')],
          run: (input: Uint8Array) => {
            const text = Buffer.from(joined(input)).toString('utf16le')
            if (text.includes('__proto__')) throw new TypeError('planted')
            return text
          },
          refuses: () => false,
          pure: true,
        },
      ],
    }),
  },
]
