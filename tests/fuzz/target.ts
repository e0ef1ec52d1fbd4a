/**
 * What is fuzzed: a target is a group of functions that take bytes or text from outside, made ready
 * once per run. Its functions take turns, so each is run in the whole of its target's time.
 */

/**
 * How inputs are spoilt. `bytes`: as bytes alone. `protobuf`: also field by field. `text`: as
 * UTF-16, and by structure when it is JSON. `json`: by structure only, so that it stays JSON.
 */
export type InputKind = 'bytes' | 'protobuf' | 'text' | 'json'

export interface FuzzFunction {
  name: string
  kind: InputKind
  /** Valid inputs, made by our own encoders; a function that refuses one of them is a finding. */
  seeds: readonly Uint8Array[]
  /** What the parser gives for the input; whatever it throws is judged by `refuses`. */
  run(input: Uint8Array): unknown
  /** Whether this is the error that the function's documentation names. */
  refuses(error: unknown): boolean
  /** The same input has the same outcome: neither state nor randomness. */
  pure: boolean
  /** Costly: takes part in every so many rounds only; undefined: in each. */
  every?: number
  /** Bytes before and after the protobuf fields, such as a version and a MAC. */
  frame?: { head: number; tail: number }
  /** Larger ones are cut; undefined: `inputBytesMax` of the bounds. */
  inputBytesMax?: number
  /** Bytes of an accepted output, at most; undefined: the bounds' own rule. */
  outputBytesMax?: (inputBytes: number) => number
}

export interface OpenTarget {
  functions: readonly FuzzFunction[]
  close?(): Promise<void>
}

export interface Target {
  name: string
  /** One line for `--list`. */
  says: string
  /**
   * Functions of the product that it runs, `package:name`, for the test that none is forgotten.
   */
  covers: readonly string[]
  open(): OpenTarget | Promise<OpenTarget>
}

/** Thrown by a function for bytes that are no input of its kind; counts as refused. */
export class NotAnInput extends Error {
  override readonly name = 'NotAnInput'
}

/** What a broken promise of a function is reported as: a state that a refusal changed, and such. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

export interface Bounds {
  inputBytesMax: number
  /** Processor time for one input, measured twice more before it is called slow. */
  inputMsMax: number
  /** Without an end of one input; measured once more before it is called a hang. */
  hangMs: number
  outputFactor: number
  outputBytesFree: number
  /** Of the heap after garbage collection, from warm-up to the end. */
  growthBytesMax: number
}

/** Generous: a machine that is busy with other things must not fail a run. */
export const bounds: Bounds = {
  inputBytesMax: 128 * 1024,
  inputMsMax: 1_000,
  hangMs: 20_000,
  // An empty field of two bytes may be a message of a few fields.
  outputFactor: 64,
  outputBytesFree: 64 * 1024,
  growthBytesMax: 16 * 1024 * 1024,
}

/** Text travels as UTF-16, since UTF-8 has no lone surrogates. */
export function textBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf16le'))
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length & ~1).toString('utf16le')
}

export function jsonBytes(value: unknown): Uint8Array {
  return textBytes(JSON.stringify(value))
}

export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes))
  } catch {
    throw new NotAnInput()
  }
}
