/** What the process that watches and the one that is watched say to each other. */
import type { Verdict } from './examine.ts'
import type { Ran } from './fuzzer.ts'
import type { Bounds } from './target.ts'

export interface Job {
  /** Path of the module whose `targets` the target is one of. */
  module: string
  target: string
  seed: number
  seconds: number
  inputsMax: number
  bounds: Bounds
  /** Only these inputs, in base64, one after the other. */
  replay: { function: string; inputs: readonly string[] } | undefined
  /** File that both have open; see Scratch. */
  scratch: string
}

/** The last line that the watched process prints. */
export type Answer =
  | { kind: 'ran'; ran: Ran }
  | { kind: 'replayed'; verdicts: Verdict[] }
  /** The target could not be made ready. */
  | { kind: 'broken'; says: string }

const headBytes = 12

export function scratchBytes(bounds: Bounds): number {
  return headBytes + bounds.inputBytesMax
}

/**
 * The input that is being run, in a file that both processes have mapped: number of the input + 1
 * u32, number of the function u32, length u32, bytes. 0 for the number: none.
 */
export class Scratch {
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(path: string) {
    this.#bytes = Bun.mmap(path, { shared: true })
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
  }

  write(at: number, which: number, input: Uint8Array): void {
    this.#view.setUint32(0, at + 1)
    this.#view.setUint32(4, which)
    this.#view.setUint32(8, input.length)
    this.#bytes.set(input.subarray(0, this.#bytes.length - headBytes), headBytes)
  }

  rest(): void {
    this.#view.setUint32(0, 0)
  }

  /** Undefined when none is being run. */
  get at(): number | undefined {
    const at = this.#view.getUint32(0)
    return at === 0 ? undefined : at - 1
  }

  read(): { which: number; input: Uint8Array } {
    const length = this.#view.getUint32(8)
    return {
      which: this.#view.getUint32(4),
      input: this.#bytes.slice(headBytes, headBytes + length),
    }
  }
}
