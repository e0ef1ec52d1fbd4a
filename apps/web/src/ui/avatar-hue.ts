/** The colour and the letters that stand for a person without a picture. */

/** FNV-1a over the id: the same person has the same hue everywhere. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  }
  // Ids that differ in their last digit alone should not end up beside each other.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % 360
}

const firstLetter = /\p{L}\p{M}*/u

/** One or two letters; empty when the name is a number. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const letters = words.map((word) => firstLetter.exec(word)?.[0] ?? '').filter(Boolean)
  const chosen = letters.length > 1 ? [letters[0], letters.at(-1)] : letters
  return chosen.join('').toLocaleUpperCase()
}
