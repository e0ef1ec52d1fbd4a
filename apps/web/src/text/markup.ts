/**
 * Reads the light marks of a message (*bold* _italic_ ~strike~ `code` ```block``` and links) into a
 * tree. Marks that have no partner are text, nothing is ever read as HTML.
 */

export type Mark = 'bold' | 'italic' | 'strike'

export type Span =
  | { kind: 'text'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'code'; text: string; block: boolean }
  | { kind: Mark; children: Span[] }

interface Found {
  span: Span
  end: number
}

const marks: Record<string, Mark> = { '*': 'bold', _: 'italic', '~': 'strike' }
const depthMax = 3
/** A partner farther away than this is not looked for, which keeps reading linear. */
const reachMax = 1_024
const codeReachMax = 16_384
const opening = /[*_~`]|\b(?:https?:\/\/|www\.)/giu
/** What is longer is no address, and is not looked at as one at each place where one may begin. */
const addressMax = 2_048
const link = new RegExp(`(?:https?://|www\\.)[^\\s<>"'\`]{1,${addressMax}}`, 'iuy')
const punctuation = new Set('.,;:!?*_~…]}')
const wordCharacter = /[\p{L}\p{N}]/u

export function readMarkup(text: string): Span[] {
  return readSpans(text, depthMax)
}

/** The same text without its marks, for a preview. */
export function withoutMarks(text: string): string {
  return wordsOf(readMarkup(text))
}

function wordsOf(spans: readonly Span[]): string {
  return spans.map((span) => ('children' in span ? wordsOf(span.children) : span.text)).join('')
}

function readSpans(text: string, depth: number): Span[] {
  const spans: Span[] = []
  let plainFrom = 0
  let at = nextOpening(text, 0)
  while (at < text.length) {
    const found = spanAt(text, at, depth)
    if (found !== undefined) {
      if (plainFrom < at) spans.push({ kind: 'text', text: text.slice(plainFrom, at) })
      spans.push(found.span)
      plainFrom = found.end
    }
    at = nextOpening(text, found?.end ?? at + 1)
  }
  if (plainFrom < text.length) spans.push({ kind: 'text', text: text.slice(plainFrom) })
  return spans
}

function nextOpening(text: string, from: number): number {
  opening.lastIndex = from
  return opening.exec(text)?.index ?? text.length
}

function spanAt(text: string, at: number, depth: number): Found | undefined {
  const character = text.charAt(at)
  if (character === '`') return codeAt(text, at)
  if (character in marks) return depth > 0 ? markAt(text, at, depth) : undefined
  return linkAt(text, at)
}

function codeAt(text: string, at: number): Found | undefined {
  const block = text.startsWith('```', at)
  const fence = block ? '```' : '`'
  const from = at + fence.length
  const end = text.indexOf(fence, from)
  if (end <= from || end - at > codeReachMax) return undefined
  const inside = text.slice(from, end)
  if (!block && inside.includes('\n')) return undefined
  const shown = block ? inside.replace(/^\n|\n$/g, '') : inside
  return { span: { kind: 'code', text: shown, block }, end: end + fence.length }
}

/** A mark opens before a character and closes after one, with no word character outside of it. */
function markAt(text: string, at: number, depth: number): Found | undefined {
  const character = text.charAt(at)
  const mark = marks[character]
  if (mark === undefined || isWord(text.charAt(at - 1)) || isBlank(text.charAt(at + 1))) {
    return undefined
  }
  const limit = Math.min(text.length, at + reachMax)
  for (let end = at + 2; end < limit; end++) {
    const here = text.charAt(end)
    if (here === '\n') return undefined
    if (here !== character) continue
    if (isBlank(text.charAt(end - 1)) || isWord(text.charAt(end + 1))) continue
    const children = readSpans(text.slice(at + 1, end), depth - 1)
    return { span: { kind: mark, children }, end: end + 1 }
  }
  return undefined
}

function isWord(character: string): boolean {
  return wordCharacter.test(character)
}

function isBlank(character: string): boolean {
  return character.trim() === ''
}

/** Only web addresses become links; whatever else a peer writes stays text. */
function linkAt(text: string, at: number): Found | undefined {
  link.lastIndex = at
  const match = link.exec(text)
  if (match === null || match[0].length > addressMax) return undefined
  const shown = withoutPunctuation(match[0])
  const address = /^www\./i.test(shown) ? `https://${shown}` : shown
  if (!URL.canParse(address)) return undefined
  const { protocol, href } = new URL(address)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  return { span: { kind: 'link', text: shown, href }, end: at + shown.length }
}

/**
 * A sentence's end is not the address's; a bracket is, when the address opened it. From the end and
 * in one pass: a pattern would look at a row of dots once for each of them.
 */
function withoutPunctuation(address: string): string {
  const hasOpened = address.includes('(')
  let end = address.length
  while (end > 0) {
    const last = address.charAt(end - 1)
    if (last === ')' ? hasOpened : !punctuation.has(last)) break
    end--
  }
  return address.slice(0, end)
}
