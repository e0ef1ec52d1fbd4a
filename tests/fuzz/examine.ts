/**
 * One input, run and judged: only the documented error comes out, in time, with an output in
 * proportion, the same each time, and nothing global is changed.
 */
import { shapeOf } from './shape.ts'
import { type Bounds, BrokenPromise, type FuzzFunction, NotAnInput } from './target.ts'

export type FindingKind =
  /** Another error than the documented one, or one that nobody could catch. */
  | 'untyped-error'
  /** What the function promises beside its output: state left alone, an answer that is none of ours. */
  | 'broken-promise'
  | 'slow'
  | 'hang'
  | 'crash'
  | 'growth'
  | 'large-output'
  | 'pollution'
  | 'changed-input'
  | 'unsteady'
  | 'refused-seed'

export interface Finding {
  kind: FindingKind
  says: string
}

export interface Verdict {
  /** Changes when the function behaves in a new way. */
  signature: string
  finding: Finding | undefined
}

export interface Examination {
  run: FuzzFunction
  bounds: Bounds
  /** Runs it twice and compares. */
  twice: boolean
}

interface Ended {
  accepted: boolean
  value: unknown
}

/** A promise only when the function gives one, since most are too quick for that. */
export function examine(
  { run, bounds, twice }: Examination,
  input: Uint8Array,
): Verdict | Promise<Verdict> {
  const copy = twice ? input.slice() : undefined
  const judge = (ended: Ended, cpuMs: number): Verdict | Promise<Verdict> => {
    const verdict = judged({ run, bounds }, input, ended)
    if (verdict.finding) return verdict
    if (cpuMs > bounds.inputMsMax) return measuredAgain({ run, bounds }, input, verdict)
    if (copy && !Bun.deepEquals(copy, input)) {
      const says = 'it writes into the bytes that it reads'
      return { ...verdict, finding: { kind: 'changed-input', says } }
    }
    return twice && run.pure ? comparedAgain(run, input, { ended, verdict }) : verdict
  }
  const before = cpuMsOfThread()
  const ended = started(run, input)
  if (!(ended instanceof Promise)) return judge(ended, cpuMsOfThread() - before)
  return ended.then((each) => judge(each, cpuMsOfThread() - before))
}

function started(run: FuzzFunction, input: Uint8Array): Ended | Promise<Ended> {
  const refused = (value: unknown): Ended => ({ accepted: false, value })
  try {
    const value = run.run(input)
    if (!(value instanceof Promise)) return { accepted: true, value }
    return value.then((given: unknown) => ({ accepted: true, value: given }), refused)
  } catch (error) {
    return refused(error)
  }
}

function judged(
  { run, bounds }: Pick<Examination, 'run' | 'bounds'>,
  input: Uint8Array,
  { accepted, value }: Ended,
): Verdict {
  const polluted = cleanedPollution()
  const verdict = accepted ? judgedOutput(run, bounds, input, value) : judgedError(run, value)
  if (polluted === undefined) return verdict
  const says = `${polluted} was put on a prototype that everything shares`
  return { ...verdict, finding: { kind: 'pollution', says } }
}

function judgedOutput(
  run: FuzzFunction,
  bounds: Bounds,
  input: Uint8Array,
  output: unknown,
): Verdict {
  const { look, bytes } = shapeOf(output)
  const most =
    run.outputBytesMax?.(input.length) ??
    input.length * bounds.outputFactor + bounds.outputBytesFree
  const signature = `+${look}`
  if (bytes <= most) return { signature, finding: undefined }
  const says = `an output of ${bytes} bytes from ${input.length}, at most ${most} are expected`
  return { signature, finding: { kind: 'large-output', says } }
}

function judgedError(run: FuzzFunction, error: unknown): Verdict {
  if (error instanceof NotAnInput) return { signature: '-', finding: undefined }
  const says = saysOf(error)
  const signature = `-${withoutNumbers(says)}`
  if (error instanceof BrokenPromise) {
    return { signature, finding: { kind: 'broken-promise', says: error.message } }
  }
  if (run.refuses(error)) return { signature, finding: undefined }
  return { signature, finding: { kind: 'untyped-error', says: `${says}${placeOf(error)}` } }
}

export function saysOf(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : ''
  return `${error.name}${code}: ${error.message.slice(0, 300)}`
}

function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const place = /([\w.-]+\.ts:\d+)/.exec(error.stack ?? '')?.[1]
  return place === undefined ? '' : ` (${place})`
}

export function withoutNumbers(text: string): string {
  return text.slice(0, 120).replaceAll(/\d+/g, '#')
}

/** Whether two findings are the same mistake. */
export function isSame(left: Finding, right: Finding | undefined): boolean {
  if (left.kind !== right?.kind) return false
  return ['untyped-error', 'broken-promise'].includes(left.kind)
    ? withoutNumbers(left.says) === withoutNumbers(right.says)
    : true
}

async function measuredAgain(
  { run, bounds }: Pick<Examination, 'run' | 'bounds'>,
  input: Uint8Array,
  verdict: Verdict,
): Promise<Verdict> {
  let fastest = Number.POSITIVE_INFINITY
  for (let time = 0; time < 2; time++) {
    const before = cpuMsOfThread()
    await started(run, input)
    fastest = Math.min(fastest, cpuMsOfThread() - before)
    if (fastest <= bounds.inputMsMax) return verdict
  }
  const says = `${Math.round(fastest)} ms of processor time, at most ${bounds.inputMsMax} are allowed`
  return { ...verdict, finding: { kind: 'slow', says } }
}

function comparedAgain(
  run: FuzzFunction,
  input: Uint8Array,
  first: { ended: Ended; verdict: Verdict },
): Verdict | Promise<Verdict> {
  const compare = (second: Ended): Verdict => {
    if (isEqual(first.ended, second)) return first.verdict
    const says = 'the same input has two outcomes'
    return { ...first.verdict, finding: { kind: 'unsteady', says } }
  }
  const second = started(run, input)
  return second instanceof Promise ? second.then(compare) : compare(second)
}

function isEqual(first: Ended, second: Ended): boolean {
  if (first.accepted !== second.accepted) return false
  if (first.accepted) return Bun.deepEquals(first.value, second.value)
  return saysOf(first.value) === saysOf(second.value)
}

const shared = [Object.prototype, Array.prototype, Function.prototype, Uint8Array.prototype]
const known = shared.map((prototype) => new Set(Object.getOwnPropertyNames(prototype)))

/** Name of what was added to a shared prototype; it is taken off again. */
function cleanedPollution(): string | undefined {
  let found: string | undefined
  for (const [at, prototype] of shared.entries()) {
    const names = Object.getOwnPropertyNames(prototype)
    if (names.length === known[at]?.size) continue
    for (const name of names) {
      if (known[at]?.has(name)) continue
      found = name
      Reflect.deleteProperty(prototype, name)
    }
  }
  return found
}

/** Others on the machine do not change it. */
function cpuMsOfThread(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
