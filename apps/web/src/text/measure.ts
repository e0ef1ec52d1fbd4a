/**
 * Small questions about what people write: its size in bytes, whether it is emoji alone, where to
 * fold it.
 */

/** UTF-8 bytes of one message, as the server counts them. */
export const messageBytesMax = 65_536
/** Below this many UTF-16 units no text can come near the limit. */
const surelyShort = messageBytesMax / 4
const foldAfter = 1_400
const foldLinesMax = 22
const bigEmojiMax = 3
/** An emoji is at most this many UTF-16 units long, families and flags included. */
const emojiUnitsMax = 24

const encoder = new TextEncoder()
const emojiOnly = /^(?:\p{RGI_Emoji}|\s)+$/v
const tallScripts =
  /[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u

/** How many bytes are left under the limit; undefined while there is no need to count. */
export function bytesLeft(text: string): number | undefined {
  if (text.length < surelyShort) return undefined
  return messageBytesMax - encoder.encode(text).length
}

/** One to three emoji and nothing else. */
export function isBigEmoji(text: string): boolean {
  if (text.length > bigEmojiMax * emojiUnitsMax || !emojiOnly.test(text)) return false
  const symbols = [...new Intl.Segmenter().segment(text)].filter((part) => part.segment.trim())
  return symbols.length > 0 && symbols.length <= bigEmojiMax
}

export function needsTallLines(text: string): boolean {
  return tallScripts.test(text)
}

/** Where a long text is cut until the reader wants all of it; undefined when it is short enough. */
export function foldAt(text: string): number | undefined {
  let lineEnd = -1
  for (let line = 0; line < foldLinesMax; line++) {
    lineEnd = text.indexOf('\n', lineEnd + 1)
    if (lineEnd === -1 || lineEnd > foldAfter) break
  }
  const tooManyLines = lineEnd !== -1 && lineEnd <= foldAfter
  if (tooManyLines) return lineEnd
  if (text.length <= foldAfter * 1.25) return undefined
  const space = text.lastIndexOf(' ', foldAfter)
  const cut = space > foldAfter / 2 ? space : foldAfter
  const splitsPair = (text.codePointAt(cut - 1) ?? 0) > 0xffff
  return splitsPair ? cut - 1 : cut
}
