// The whole state of our side as one text, to show that a refused message changes no byte of it.

/** Equal for equal contents, however deep the bytes lie. */
export function stateOf(parts: readonly unknown[]): string {
  let text = ''
  for (const part of parts) text += `${describe(part)};`
  return text
}

function describe(part: unknown): string {
  if (part instanceof Uint8Array) return latin1(part)
  if (part === null || typeof part !== 'object') return String(part)
  return `{${Object.entries(part)
    .map(([name, value]) => `${name}:${describe(value)}`)
    .join()}}`
}

/** One character for each byte: cheap, and loses nothing. */
function latin1(bytes: Uint8Array): string {
  const CHUNK = 8_192
  let text = `${bytes.length}:`
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  }
  return text
}
