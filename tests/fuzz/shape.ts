/** What is told apart cheaply about an output: its size in bytes, and roughly how it looks. */

export interface Shape {
  /** The same for outputs that differ in their contents only. */
  look: string
  bytes: number
}

const depthMax = 100
const lookDepthMax = 5
const slotBytes = 8
/** Texts of these properties are one of a few words, and say which way the parser went. */
const tellingNames = new Set(['kind', 'type', 'reason', 'code', 'outcome', 'refused', 'grant_type'])
const tellingTextMax = 60

export function shapeOf(output: unknown): Shape {
  const counted = { bytes: 0 }
  const look = walk(output, 0, counted)
  return { look, bytes: counted.bytes }
}

function walk(value: unknown, depth: number, counted: { bytes: number }): string {
  switch (typeof value) {
    case 'string':
      counted.bytes += 2 * value.length
      return `s${magnitude(value.length)}`
    case 'number':
      counted.bytes += slotBytes
      return Number.isFinite(value) ? `n${magnitude(Math.abs(value)) >> 2}` : 'n!'
    case 'bigint':
      counted.bytes += slotBytes
      return 'i'
    case 'object':
      if (value === null || depth > depthMax) return '-'
      return walkObject(value, depth, counted)
    default:
      return typeof value === 'boolean' ? String(value) : '-'
  }
}

function walkObject(value: object, depth: number, counted: { bytes: number }): string {
  if (ArrayBuffer.isView(value)) {
    counted.bytes += value.byteLength
    return `b${magnitude(value.byteLength)}`
  }
  const isSeen = depth < lookDepthMax
  let look = ''
  if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
    let count = 0
    for (const item of value) {
      const each = walk(item, depth + 1, counted)
      counted.bytes += slotBytes
      if (count++ === 0) look = each
    }
    return isSeen ? `[${magnitude(count)}${look}]` : ''
  }
  for (const [name, each] of Object.entries(value)) {
    counted.bytes += slotBytes
    const inner = walk(each, depth + 1, counted)
    if (isSeen) look += `${name}:${telling(name, each) ?? inner} `
  }
  return `{${look}}`
}

function telling(name: string, value: unknown): string | undefined {
  const isTelling = typeof value === 'string' && tellingNames.has(name)
  return isTelling && value.length < tellingTextMax ? value : undefined
}

function magnitude(value: number): number {
  return value < 1 ? 0 : Math.floor(Math.log2(value)) + 1
}
