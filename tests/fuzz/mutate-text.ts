/**
 * Changes of text: its characters, and the structure of JSON. Inputs are UTF-16 bytes
 * (target.ts).
 */
import type { SimRandom } from '../../packages/testkit/src/sim/random.ts'
import type { Change } from './mutate-bytes.ts'
import { textBytes, textOf } from './target.ts'

const nasty = [
  '',
  '\0',
  '\n',
  '\r\n',
  ' ',
  '\u{a0}',
  '\u{ad}',
  '\u{200b}',
  '\u{202e}',
  '\u{feff}',
  '\u{300}',
  '\ud800',
  '\udfff',
  '\u{1f469}\u{200d}\u{1f4bb}',
  'İ',
  '٣',
  '０',
  '-',
  '+',
  '.',
  ',',
  '/',
  '../',
  '%',
  '%00',
  '%C0%AF',
  '%ff',
  '?',
  '#',
  '&',
  '=',
  ':',
  ';ext=1',
  '"',
  "'",
  '\\',
  '\\u0000',
  '`',
  '```',
  '*',
  '_',
  '~',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '<',
  '>',
  '$&',
  'http://',
  'https://',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  '1e400',
  '-0',
  '0x10',
  '18446744073709551616',
]

type TextChange = (text: string, random: SimRandom, other: string) => string

function spanOf(text: string, random: SimRandom): [number, number] {
  const start = random.below(text.length + 1)
  return [start, start + random.below(Math.min(text.length - start, 40) + 1)]
}

function put(text: string, random: SimRandom, part: string): string {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + part + text.slice(at)
}

const insert: TextChange = (text, random) => put(text, random, random.pick(nasty))
const insertUnit: TextChange = (text, random) =>
  put(text, random, String.fromCharCode(random.below(random.chance(0.7) ? 128 : 65_536)))
const remove: TextChange = (text, random) => {
  const [start, end] = spanOf(text, random)
  return text.slice(0, start) + text.slice(end)
}
const replaceUnit: TextChange = (text, random) => {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + String.fromCharCode(32 + random.below(96)) + text.slice(at + 1)
}
const double: TextChange = (text, random) => {
  const [start, end] = spanOf(text, random)
  return text.slice(0, end) + text.slice(start, end).repeat(1 + random.below(5)) + text.slice(end)
}
/** What takes time that grows with the square of the length shows here. */
const flood: TextChange = (text, random) => {
  const [start, end] = spanOf(text, random)
  const part = random.chance(0.5) ? random.pick(nasty) : text.slice(start, Math.min(end, start + 4))
  const units = random.below(8) === 0 ? 60_000 : 300
  return put(text, random, part.repeat(Math.floor(units / Math.max(1, part.length))))
}
const cut: TextChange = (text, random) => text.slice(0, random.below(text.length + 1))
const splice: TextChange = (text, random, other) =>
  text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length + 1))
const recase: TextChange = (text, random) =>
  random.chance(0.5) ? text.toUpperCase() : text.toLowerCase()
const anything: TextChange = (_, random) =>
  Array.from({ length: random.below(30) }, () => random.pick(nasty)).join('')

const textChanges: readonly TextChange[] = [
  insert,
  insert,
  insertUnit,
  remove,
  replaceUnit,
  replaceUnit,
  double,
  flood,
  cut,
  splice,
  recase,
  anything,
]

/** JSON that keeps what JSON.parse loses: names given twice, numbers as they are written. */
type Node =
  | { is: 'list'; items: Node[] }
  | { is: 'object'; entries: [name: string, value: Node][] }
  | { is: 'text'; text: string }
  | { is: 'raw'; json: string }

const depthKept = 60
/** Of JSON, in the copies of one item: enough for the largest input. */
const repeatedUnitsMax = 64 * 1024
const rawValues = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1',
  '0.5',
  '1e400',
  '-1e400',
  '1e-400',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '18446744073709551616',
  '""',
  '"__proto__"',
  '"\\ud800"',
  '"\\u0000"',
  '[]',
  '{}',
  '[[]]',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toString":1,"valueOf":1,"length":4294967295,"toJSON":1,"then":1}',
]
const names = ['__proto__', 'constructor', 'prototype', 'toString', 'toJSON', 'then', 'length', '']

function nodeOf(value: unknown, depth: number): Node {
  if (typeof value === 'string') return { is: 'text', text: value }
  if (typeof value !== 'object' || value === null || depth === 0) {
    return { is: 'raw', json: JSON.stringify(value) }
  }
  if (Array.isArray(value)) {
    return { is: 'list', items: value.map((item) => nodeOf(item, depth - 1)) }
  }
  const entries = Object.entries(value).map(
    ([name, each]) => [name, nodeOf(each, depth - 1)] as [string, Node],
  )
  return { is: 'object', entries }
}

function written(node: Node): string {
  switch (node.is) {
    case 'raw':
      return node.json
    case 'text':
      return JSON.stringify(node.text)
    case 'list':
      return `[${node.items.map(written).join(',')}]`
    case 'object':
      return `{${node.entries
        .map(([name, value]) => `${JSON.stringify(name)}:${written(value)}`)
        .join(',')}}`
  }
}

function deep(random: SimRandom): Node {
  const depth = random.chance(0.9) ? 1 + random.below(30) : random.below(20_000)
  const [open, close] = random.chance(0.5) ? ['[', ']'] : ['{"a":', '}']
  return { is: 'raw', json: `${open.repeat(depth)}1${close.repeat(depth)}` }
}

function another(node: Node, random: SimRandom): Node {
  if (random.chance(0.1)) return deep(random)
  if (node.is === 'text' && random.chance(0.6)) {
    return { is: 'text', text: changedText(node.text, random, node.text) }
  }
  return { is: 'raw', json: random.pick(rawValues) }
}

function changedList(items: readonly Node[], random: SimRandom): Node[] {
  const at = random.below(items.length + 1)
  const [here] = items.slice(at)
  switch (random.below(4)) {
    case 0:
      return items.toSpliced(at, 1)
    case 1:
      return items.toSpliced(at, 0, { is: 'raw', json: random.pick(rawValues) })
    case 2: {
      if (!here) return [...items]
      const wanted = random.below(10) === 0 ? 3_000 : 1 + random.below(3)
      const times = Math.min(wanted, Math.ceil(repeatedUnitsMax / written(here).length))
      return items.toSpliced(at, 0, ...Array.from({ length: times }, () => here))
    }
    default:
      return here ? items.toSpliced(at, 1, changedNode(here, random)) : [...items]
  }
}

function changedEntries(entries: readonly [string, Node][], random: SimRandom): [string, Node][] {
  const at = random.below(entries.length + 1)
  const [here] = entries.slice(at)
  if (!here || random.below(6) === 0) {
    const name = random.chance(0.7) || !here ? random.pick(names) : here[0]
    return entries.toSpliced(at, 0, [name, { is: 'raw', json: random.pick(rawValues) }])
  }
  const [name, value] = here
  switch (random.below(5)) {
    case 0:
      return entries.toSpliced(at, 1)
    case 1:
      return entries.toSpliced(at, 1, [random.pick(names), value])
    default:
      return entries.toSpliced(at, 1, [name, changedNode(value, random)])
  }
}

function changedNode(node: Node, random: SimRandom): Node {
  if (random.chance(0.2)) return another(node, random)
  if (node.is === 'list') return { ...node, items: changedList(node.items, random) }
  if (node.is === 'object') return { ...node, entries: changedEntries(node.entries, random) }
  return another(node, random)
}

function changedText(text: string, random: SimRandom, other: string): string {
  return random.pick(textChanges)(text, random, other)
}

/** Undefined when the text is not JSON. */
function jsonIn(text: string): Node | undefined {
  try {
    return nodeOf(JSON.parse(text), depthKept)
  } catch {
    return undefined
  }
}

export const changeJson: Change = (bytes, random) => {
  const node = jsonIn(textOf(bytes)) ?? { is: 'object', entries: [] }
  return textBytes(written(changedNode(node, random)))
}

export const changeText: Change = (bytes, random, other) => {
  const text = textOf(bytes)
  const looksLikeJson = /^\s*[[{]/.test(text)
  if (looksLikeJson && random.chance(0.7) && jsonIn(text)) return changeJson(bytes, random, other)
  return textBytes(changedText(text, random, textOf(other)))
}
