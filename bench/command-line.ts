/** What `npm run bench` is asked for: scenario and options, or what is wrong with that. */
import { parseArgs } from 'node:util'
import type { Scenario } from './scenario.ts'
import { count, flag } from './scenario.ts'

export type Scenarios = Readonly<Record<string, Scenario>>

export type Asked =
  | { kind: 'run'; name: string; values: Record<string, unknown>; json: boolean; runs: number }
  | { kind: 'print'; text: string }
  | { kind: 'wrong'; text: string }

const common = {
  json: flag('one JSON object a line'),
  runs: count(1, 'repeats each cell'),
  help: flag('says this'),
}

export function readCommandLine(scenarios: Scenarios, words: readonly string[]): Asked {
  const isKnown = (word: string) => Object.hasOwn(scenarios, word)
  const name = words.find(isKnown) ?? words.find((word) => !word.startsWith('-')) ?? ''
  const scenario = isKnown(name) ? scenarios[name] : undefined
  const names = Object.keys(scenarios)
  if (words.includes('--help') || words.includes('-h')) {
    return { kind: 'print', text: scenario ? usageOf(name, scenario) : usage(scenarios) }
  }
  if (name === 'list' && words.length === 1) return { kind: 'print', text: `${names.join('\n')}\n` }
  if (!scenario) {
    const what = name === '' ? 'Say which scenario.' : `There is no scenario ${name}.`
    return { kind: 'wrong', text: `${what}\n\n${usage(scenarios)}` }
  }
  const table = { ...common, ...scenario.options }
  try {
    const values = readValues(table, words)
    return {
      kind: 'run',
      name,
      values,
      json: values['json'] === true,
      runs: Number(values['runs']),
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'wrong', text: `${reason}\n\n${usageOf(name, scenario)}` }
  }
}

function readValues(table: Scenario['options'], words: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { isFlag }]) => [
      name,
      { type: isFlag ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  const { values, positionals } = parseArgs({ args: [...words], allowPositionals: true, options })
  if (positionals.length > 1) throw new Error(`One scenario at a time: ${positionals.join(' ')}`)
  return Object.fromEntries(
    Object.entries(table).map(([name, option]) => {
      const given = values[name]
      if (given === undefined) return [name, option.usual]
      const value = option.read(String(given))
      if (value === undefined) throw new Error(`--${name} cannot be ${String(given)}.`)
      return [name, value]
    }),
  )
}

const columns = 18

function lines(entries: readonly (readonly [string, string])[]): string {
  return entries.map(([name, says]) => `  ${name.padEnd(columns)} ${says}\n`).join('')
}

function optionLines(options: Scenario['options']): string {
  return lines(
    Object.entries(options).map(([name, { isFlag, takes = 'N', says }]) => [
      isFlag ? `--${name}` : `--${name} ${takes}`,
      says,
    ]),
  )
}

function usage(scenarios: Scenarios): string {
  const names = lines([
    ...Object.entries(scenarios).map(([name, { says }]) => [name, says] as const),
    ['list', 'the names above'],
  ])
  return [
    'Usage: npm run bench -- SCENARIO [options]\n\nScenarios:\n',
    names,
    '\nOptions of each scenario (npm run bench -- SCENARIO --help has its own):\n',
    optionLines(common),
  ].join('')
}

function usageOf(name: string, scenario: Scenario): string {
  return [
    `Usage: npm run bench -- ${name} [options]\n\n${scenario.says}\n\nOptions:\n`,
    optionLines({ ...scenario.options, ...common }),
  ].join('')
}
