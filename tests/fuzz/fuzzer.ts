/**
 * The loop: spoils inputs of one target, keeps those that made a function behave in a new way, and
 * stops at the first finding, which it shrinks. One seed decides everything.
 */
import { heapStats } from 'bun:jsc'
import { SimRandom } from '../../packages/testkit/src/sim/random.ts'
import { type Change, changeBytes } from './mutate-bytes.ts'
import { changeProtobuf } from './mutate-protobuf.ts'
import { changeJson, changeText } from './mutate-text.ts'
import { examine, type Finding, type FindingKind, isSame, saysOf, type Verdict } from './examine.ts'
import { shrink } from './shrink.ts'
import type { Bounds, FuzzFunction, InputKind, OpenTarget } from './target.ts'

export interface Failure extends Finding {
  target: string
  function: string
  seed: number
  /** How many inputs came before it. */
  iteration: number
  /** Base64. */
  input: string
  /** Before it was shrunk. */
  inputBytes: number
}

export interface FuzzOptions {
  target: string
  seed: number
  seconds: number
  /** Ends there even when there is time left. */
  inputsMax: number
  bounds: Bounds
  /** Told before each input is run: a hang is seen from outside. */
  watch(at: number, run: FuzzFunction, input: Uint8Array): void
  /** No input is being run. */
  rest(): void
  /** Errors that nobody caught, since it was asked last. */
  strays(): unknown[]
}

export interface Ran {
  inputs: number
  /** Signatures that were seen. */
  behaviours: number
  failure: Failure | undefined
}

const corpusMax = 400
const corpusBytesMax = 4 * 1024 * 1024
const signaturesMax = 20_000
const changesMax = 5
const twiceOneIn = 16
const warmUpInputs = 2_000
const warmUpShare = 0.2
const shrinkMs = 20_000
const culpritRuns = 300
/** Between turns of the event loop, where errors come up that nobody caught. */
const inputsPerTurn = 256

const changeOf: Readonly<Record<InputKind, Change>> = {
  bytes: changeBytes,
  protobuf: changeProtobuf,
  text: changeText,
  json: changeJson,
}

/** Inputs worth changing further. */
interface Corpus {
  run: FuzzFunction
  inputs: Uint8Array[]
  bytes: number
}

export async function fuzz({ functions }: OpenTarget, options: FuzzOptions): Promise<Ran> {
  const fuzzing = new Fuzzing(functions, options)
  const refused = await fuzzing.tryInputs()
  if (!refused) await fuzzing.run()
  return fuzzing.outcome()
}

class Fuzzing {
  readonly #options: FuzzOptions
  readonly #random: SimRandom
  /** Hashed: a text can hold on to the much longer one that it was cut from. */
  readonly #signatures = new Set<bigint | number>()
  readonly #corpora: Corpus[]
  readonly #startMs = performance.now()
  #inputs = 0
  #heapBefore: number | undefined
  /** An uncaught error is put down to the very input; too slow for all of them. */
  #isStrict = false
  /** What was run since the event loop last turned. */
  #recent: { run: FuzzFunction; input: Uint8Array }[] = []
  #failure: Failure | undefined

  constructor(functions: readonly FuzzFunction[], options: FuzzOptions) {
    this.#options = options
    this.#random = new SimRandom(options.seed)
    this.#corpora = functions.map((run) => {
      const bytes = run.seeds.reduce((sum, seed) => sum + seed.length, 0)
      return { run, inputs: [...run.seeds], bytes }
    })
  }

  /** All seeds as they are. True when one is refused. */
  async tryInputs(): Promise<boolean> {
    for (const { run } of this.#corpora) {
      for (const seed of run.seeds) {
        const { finding, signature } = await this.#examine(run, seed, true)
        const says = `a valid input is refused: ${signature}`
        const wrong = finding ?? (signature.startsWith('-') ? refusedSeed(says) : undefined)
        if (!wrong) continue
        await this.#fail(run, seed, wrong)
        return true
      }
    }
    return false
  }

  async run(): Promise<void> {
    for (let turn = 0; !this.#failure && !this.#isOver(); turn++) {
      const corpus = this.#corpora[turn % this.#corpora.length]
      if (!corpus) return
      const round = Math.floor(turn / this.#corpora.length)
      if (round % (corpus.run.every ?? 1) !== 0) continue
      const input = this.#spoilt(corpus)
      const twice = this.#random.below(twiceOneIn) === 0
      // What writes into its input is told of with what the input was.
      const copy = twice ? input.slice() : input
      const { finding, signature } = await this.#examine(corpus.run, copy, twice)
      if (finding) await this.#fail(corpus.run, input, finding)
      else if (this.#isNews(corpus.run, signature)) this.#keep(corpus, input)
      if (this.#isWarm()) this.#heapBefore ??= heapBytes()
    }
    this.#options.rest()
    if (!this.#failure) await this.#checkGrowth()
    this.#options.rest()
  }

  outcome(): Ran {
    return { inputs: this.#inputs, behaviours: this.#signatures.size, failure: this.#failure }
  }

  #isOver(): boolean {
    const { inputsMax, seconds } = this.#options
    return this.#inputs >= inputsMax || performance.now() - this.#startMs >= seconds * 1000
  }

  #isWarm(): boolean {
    const { seconds } = this.#options
    const isLong = performance.now() - this.#startMs > seconds * 1000 * warmUpShare
    return this.#heapBefore === undefined && (this.#inputs >= warmUpInputs || isLong)
  }

  async #examine(run: FuzzFunction, input: Uint8Array, twice: boolean): Promise<Verdict> {
    this.#options.watch(this.#inputs++, run, input)
    const given = examine({ run, bounds: this.#options.bounds, twice }, input)
    const verdict = given instanceof Promise ? await given : given
    const isFull = this.#recent.push({ run, input }) >= inputsPerTurn
    if (this.#isStrict || isFull) await turnOfLoop()
    const [stray] = this.#options.strays()
    if (stray === undefined) {
      if (isFull) this.#recent = []
      return verdict
    }
    const says = `nobody caught ${saysOf(stray)}`
    return { ...verdict, finding: { kind: 'untyped-error', says } }
  }

  #spoilt({ inputs, run }: Corpus): Uint8Array {
    const random = this.#random
    const change = changeOf[run.kind]
    const other = random.pick(random.pick(this.#corpora).inputs)
    let input = random.pick(inputs)
    const { head, tail } = random.chance(0.7) ? (run.frame ?? noFrame) : noFrame
    const isFramed = input.length > head + tail && head + tail > 0
    const [first, last] = isFramed ? [head, input.length - tail] : [0, input.length]
    let inner = input.subarray(first, last)
    const changes = random.chance(0.5) ? 1 : 1 + random.below(changesMax)
    const most = run.inputBytesMax ?? this.#options.bounds.inputBytesMax
    for (let each = 0; each < changes; each++)
      inner = change(inner.subarray(0, most), random, other)
    if (!isFramed) input = inner
    else
      input = Uint8Array.from(
        Buffer.concat([input.subarray(0, first), inner, input.subarray(last)]),
      )
    // A copy, so that nothing holds on to what it was made of.
    return input.slice(0, most)
  }

  #isNews(run: FuzzFunction, signature: string): boolean {
    if (this.#signatures.size >= signaturesMax) return false
    const before = this.#signatures.size
    this.#signatures.add(Bun.hash(`${run.name} ${signature}`))
    return this.#signatures.size > before
  }

  /** The valid ones stay; a new one takes the place of some other when there is no room. */
  #keep(corpus: Corpus, input: Uint8Array): void {
    const { inputs, run } = corpus
    const isFull = inputs.length >= corpusMax || corpus.bytes + input.length > corpusBytesMax
    if (!isFull) {
      corpus.bytes += input.length
      inputs.push(input)
      return
    }
    const at = run.seeds.length + this.#random.below(Math.max(1, inputs.length - run.seeds.length))
    const replaced = inputs[at]
    if (!replaced || replaced.length < input.length) return
    corpus.bytes += input.length - replaced.length
    inputs[at] = input
  }

  async #fail(run: FuzzFunction, input: Uint8Array, finding: Finding): Promise<void> {
    const iteration = this.#inputs - 1
    if (finding.says.startsWith('nobody caught') && !this.#isStrict) {
      return this.#failLate({ run, input }, finding)
    }
    const isShrinkable = finding.kind !== 'refused-seed'
    const fails = async (candidate: Uint8Array) => {
      const verdict = await this.#examine(run, candidate.slice(), needsTwo.has(finding.kind))
      return isSame(finding, verdict.finding)
    }
    const small = isShrinkable ? await this.#shrunk(run, input, fails) : input
    this.#failure = this.#failureOf(run, small, { finding, iteration, inputBytes: input.length })
  }

  /** The error came up late: one of the inputs before it is at fault. */
  async #failLate(last: { run: FuzzFunction; input: Uint8Array }, finding: Finding): Promise<void> {
    this.#isStrict = true
    const suspects = [...this.#recent, last]
    this.#recent = []
    for (const { run, input } of suspects) {
      const again = await this.#examine(run, input, false)
      if (again.finding) return this.#fail(run, input, again.finding)
    }
    return this.#fail(last.run, last.input, finding)
  }

  #failureOf(
    run: FuzzFunction,
    input: Uint8Array,
    { finding, ...about }: { finding: Finding; iteration: number; inputBytes: number },
  ): Failure {
    const { seed, target } = this.#options
    const base64 = Buffer.from(input).toString('base64')
    return { ...finding, ...about, target, function: run.name, seed, input: base64 }
  }

  #shrunk(
    run: FuzzFunction,
    input: Uint8Array,
    fails: (candidate: Uint8Array) => Promise<boolean>,
  ): Promise<Uint8Array> {
    const endMs = performance.now() + shrinkMs
    const isLate = () => performance.now() > endMs
    return shrink(input, {
      kind: run.kind,
      isLate,
      async firstFailing(candidates) {
        for (const candidate of candidates) {
          if (isLate()) return undefined
          if (await fails(candidate)) return candidate
        }
        return undefined
      },
    })
  }

  /** What is kept from inputs that are gone; the corpus itself is counted before, not after. */
  async #checkGrowth(): Promise<void> {
    const before = this.#heapBefore
    if (before === undefined) return
    const corpora = this.#corpora.map(({ run, inputs }) => ({ run, inputs: inputs.slice(0, 8) }))
    for (const corpus of this.#corpora) corpus.inputs = []
    this.#recent = []
    const grown = heapBytes() - before
    const { growthBytesMax } = this.#options.bounds
    if (grown <= growthBytesMax) return
    const says = `the heap grew by ${grown} bytes in ${this.#inputs} inputs, at most ${growthBytesMax} may stay`
    const perRun = growthBytesMax / Math.max(1, this.#inputs)
    const grows = async (run: FuzzFunction, input: Uint8Array) =>
      (await this.#heapPerRun(run, input)) > perRun
    const iteration = this.#inputs
    for (const { run, inputs } of corpora) {
      for (const input of inputs) {
        if (!(await grows(run, input))) continue
        const small = await this.#shrunk(run, input, (candidate) => grows(run, candidate))
        const about = { finding: { kind: 'growth', says } as const, iteration }
        this.#failure = this.#failureOf(run, small, { ...about, inputBytes: input.length })
        return
      }
    }
    const [first] = corpora
    if (!first) return
    const about = { finding: { kind: 'growth', says } as const, iteration, inputBytes: 0 }
    this.#failure = this.#failureOf(first.run, new Uint8Array(0), about)
  }

  async #heapPerRun(run: FuzzFunction, input: Uint8Array): Promise<number> {
    const before = heapBytes()
    for (let time = 0; time < culpritRuns; time++) await this.#examine(run, input, false)
    return (heapBytes() - before) / culpritRuns
  }
}

const needsTwo: ReadonlySet<FindingKind> = new Set(['unsteady', 'changed-input'])
const noFrame = { head: 0, tail: 0 }

function refusedSeed(says: string): Finding {
  return { kind: 'refused-seed', says }
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function heapBytes(): number {
  Bun.gc(true)
  Bun.gc(true)
  return heapStats().heapSize
}
