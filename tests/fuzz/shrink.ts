/** Makes a failing input small: parts are left out, then made zero, while it fails the same way. */
import { joined } from './mutate-bytes.ts'
import type { InputKind } from './target.ts'

export interface Shrinking {
  kind: InputKind
  /** The first of these that still fails the same way. */
  firstFailing(candidates: readonly Uint8Array[]): Promise<Uint8Array | undefined>
  /** No more rounds after this. */
  isLate(): boolean
}

const roundsMax = 400
const candidatesPerRound = 48

export async function shrink(input: Uint8Array, shrinking: Shrinking): Promise<Uint8Array> {
  let smallest = input
  const isText = shrinking.kind === 'text' || shrinking.kind === 'json'
  const width = isText ? 2 : 1
  // 'a' stands for any character, 0 for any byte.
  const plain = isText ? Uint8Array.of(0x61, 0) : Uint8Array.of(0)
  for (const reduce of [without, plainer]) {
    let part = Math.max(1, Math.floor(smallest.length / width / 2))
    for (let round = 0; round < roundsMax && !shrinking.isLate(); round++) {
      const cells = Math.ceil(smallest.length / width)
      const found = await firstOf(smallest, { part, cells, width, plain, reduce }, shrinking)
      if (found) smallest = found
      else if (part === 1) break
      if (!found) part = Math.max(1, Math.floor(part / 2))
      part = Math.min(part, Math.max(1, Math.ceil(smallest.length / width)))
    }
  }
  return smallest
}

interface Plan {
  /** Cells in a part, and in all. */
  part: number
  cells: number
  /** Bytes of a cell. */
  width: number
  plain: Uint8Array
  reduce: (bytes: Uint8Array, from: number, to: number, plain: Uint8Array) => Uint8Array
}

async function firstOf(
  bytes: Uint8Array,
  { part, cells, width, plain, reduce }: Plan,
  shrinking: Shrinking,
): Promise<Uint8Array | undefined> {
  let candidates: Uint8Array[] = []
  const tried = async () => {
    const found = await shrinking.firstFailing(candidates)
    candidates = []
    return found
  }
  for (let from = 0; from < cells; from += part) {
    const candidate = reduce(bytes, from * width, (from + part) * width, plain)
    if (candidate.length === bytes.length && Bun.deepEquals(candidate, bytes)) continue
    candidates.push(candidate)
    if (candidates.length < candidatesPerRound) continue
    const found = await tried()
    if (found || shrinking.isLate()) return found
  }
  return tried()
}

function without(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return joined(bytes.subarray(0, from), bytes.subarray(to))
}

function plainer(bytes: Uint8Array, from: number, to: number, plain: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  for (let at = from; at < Math.min(to, bytes.length); at++) {
    changed[at] = plain[(at - from) % plain.length] ?? 0
  }
  return changed
}
