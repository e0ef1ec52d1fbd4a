/** What a scenario is, and the kinds of options that it may have. */
import type { Watch } from './load/watch.ts'

/** One line of the result; what is undefined is left out. */
export type Row = Record<string, string | number | boolean | undefined>

interface Option<T> {
  /** Undefined: it was not an answer. */
  read(text: string): T | undefined
  usual: T
  isFlag: boolean
  /** What stands for its value in the help; N unless said. */
  takes?: string
  /** What it is, its usual value included. */
  says: string
}

type Options = Record<string, Option<unknown>>

type Values<O extends Options> = { [Name in keyof O]: O[Name]['usual'] }

export interface Scenario {
  says: string
  /** It repeats its cells itself, and comes to an end of its own when it is stopped. */
  runsItself?: boolean
  options: Options
  run(values: Record<string, unknown>, watch: Watch): AsyncIterable<Row>
}

/** Gives `run` the types of its options. */
export function scenario<O extends Options>(definition: {
  says: string
  runsItself?: boolean
  options: O
  run(values: Values<O>, watch: Watch): AsyncIterable<Row>
}): Scenario {
  return {
    ...definition,
    run: (values, watch) => definition.run(values as Values<O>, watch),
  }
}

/** A whole number above 0. */
export function count(usual: number, says: string): Option<number> {
  return { read: readCount, usual, isFlag: false, says: `${says} (${usual})` }
}

/** Whole numbers above 0, with commas; undefined when nothing is said. */
export function counts(says: string): Option<number[] | undefined> {
  return {
    read(text) {
      const values = text.split(',').map(readCount)
      return values.includes(undefined) ? undefined : values.filter((value) => value !== undefined)
    },
    usual: undefined,
    isFlag: false,
    takes: 'LIST',
    says,
  }
}

export function flag(says: string): Option<boolean> {
  return { read: () => true, usual: false, isFlag: true, says }
}

function readCount(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}

/** Some of the names that are known, with commas; undefined when nothing is said: all of them. */
export function names(known: readonly string[]): Option<string[] | undefined> {
  return {
    read(given) {
      const wanted = given.split(',')
      return wanted.every((name) => known.includes(name)) ? wanted : undefined
    },
    usual: undefined,
    isFlag: false,
    says: `only these, with commas: ${known.join(', ')}`,
  }
}

export function text(says: string): Option<string | undefined> {
  return { read: (given) => given, usual: undefined, isFlag: false, says }
}
