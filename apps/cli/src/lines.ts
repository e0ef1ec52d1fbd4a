/** Splits a stream of bytes into lines, holding no more of a line than is allowed. */

/**
 * Without its line break. A line that is too long is handed on cut off one byte above the bound, so
 * that its reader sees that it is.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array | string>,
  lineBytesMax: number,
): AsyncGenerator<string> {
  const newline = 10
  let held: Uint8Array[] = []
  let heldBytes = 0
  const hold = (part: Uint8Array) => {
    const room = lineBytesMax + 1 - heldBytes
    if (room <= 0 || part.length === 0) return
    const kept = part.subarray(0, room)
    held.push(kept)
    heldBytes += kept.length
  }
  const take = () => {
    const line = Buffer.concat(held).toString('utf8')
    held = []
    heldBytes = 0
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
  for await (const chunk of chunks) {
    let rest = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
      hold(rest.subarray(0, end))
      yield take()
      rest = rest.subarray(end + 1)
    }
    hold(Uint8Array.from(rest))
  }
  if (heldBytes > 0) yield take()
}

/**
 * A message: everything, without the line break that `echo` puts at its end. Of one that is longer
 * than allowed no more is read than shows that it is.
 */
export async function wholeText(
  chunks: AsyncIterable<Uint8Array | string>,
  bytesMax: number,
): Promise<string> {
  const lineBreakBytes = 2
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    parts.push(part)
    bytes += part.length
    if (bytes > bytesMax + lineBreakBytes) break
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}
