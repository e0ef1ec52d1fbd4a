// The whole state of our side, kept to show that a refused message changes no byte of it.

/** Says whether anything is other than it was when this was called, however deep it lies. */
export function watch(state: () => readonly unknown[]): () => boolean {
  const before = leavesOf(state()).map((leaf) => (leaf instanceof Uint8Array ? leaf.slice() : leaf))
  return () => {
    const after = leavesOf(state())
    return before.length !== after.length || before.some((leaf, at) => !isSame(leaf, after[at]))
  }
}

function leavesOf(part: unknown): unknown[] {
  if (part instanceof Uint8Array || part === null || typeof part !== 'object') return [part]
  return Object.values(part).flatMap(leavesOf)
}

function isSame(a: unknown, b: unknown): boolean {
  if (!(a instanceof Uint8Array && b instanceof Uint8Array)) return a === b
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
