/**
 * The stanzas of the XMPP load (RFC 6120, XEP-0184, XEP-0198), formatted beforehand and read
 * without an XML parser: one process has to load a server on the machine that both share. A mark in
 * the payload says which message it is: ~M and eight digits in a body, ~R and eight in a receipt.
 */
import type { Outgoing } from './outgoing.ts'
import { bodyBytes } from './protocol.ts'

export const xmppHost = 'localhost'
export const xmppPassword = 'secret'
/** Bound to each session; without a tilde, which marks messages. */
export const xmppResource = 'load'

const digits = 8
const zeros = '0'.repeat(digits)
const markBytes = 2 + digits
const [tilde, letterM, letterR, lessThan, greaterThan, slash] = [0x7e, 0x4d, 0x52, 0x3c, 0x3e, 0x2f]

export function xmppUser(user: number): string {
  return `u${String(user).padStart(digits, '0')}`
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const filler = Buffer.from(
  Array.from({ length: bodyBytes - markBytes }, (_, at) => alphabet[(at * 7) % 62]).join(''),
)

const address = `u${zeros}@${xmppHost}`
const messageText =
  `<message to='${address}' type='chat' id='m${zeros}'><body>~M${zeros}${filler}</body>` +
  "<request xmlns='urn:xmpp:receipts'/></message>"
const receiptText = (hint: string) =>
  `<message to='${address}' type='chat' id='r${zeros}'>` +
  `<received xmlns='urn:xmpp:receipts' id='~R${zeros}'/>${hint}</message>`

/** A stanza whose receiver and number are written over the zeros. */
class Template {
  readonly #bytes: Buffer
  readonly #toAt: number
  readonly #numbersAt: readonly number[]

  constructor(text: string, marks: readonly string[]) {
    this.#bytes = Buffer.from(text, 'latin1')
    const after = (part: string) => text.indexOf(part) + part.length
    this.#toAt = after("to='u")
    this.#numbersAt = marks.map(after)
  }

  put(out: Outgoing, to: number, number: number): void {
    out.reserve(this.#bytes.length)
    const start = out.length
    out.put(this.#bytes)
    putDigits(out.bytes, start + this.#toAt, to)
    for (const at of this.#numbersAt) putDigits(out.bytes, start + at, number)
  }
}

function putDigits(bytes: Uint8Array, from: number, value: number): void {
  let rest = value
  for (let at = from + digits - 1; at >= from; at--) {
    bytes[at] = 48 + (rest % 10)
    rest = Math.trunc(rest / 10)
  }
}

const receiptMarks = ["id='r", '~R'] as const
export const messageTemplate = new Template(messageText, ["id='m", '~M'])
export const receiptTemplate = new Template(receiptText(''), receiptMarks)
/** Asks the server not to keep it (XEP-0334). */
export const receiptNotKeptTemplate = new Template(
  receiptText("<no-store xmlns='urn:xmpp:hints'/>"),
  receiptMarks,
)

export interface Stanza {
  /** `message`, `iq`, `success`, `stream:features` and so on. */
  name: string
  /** The bytes of the opening tag are [from, tagTo), those of all of it [from, to). */
  from: number
  tagTo: number
  to: number
}

/** Whole stanzas from `at` on are handed on; returns where the first that is not whole begins. */
export function readStanzas(bytes: Buffer, handle: (stanza: Stanza) => void): number {
  let at = 0
  for (;;) {
    const from = bytes.indexOf(lessThan, at)
    if (from < 0) return bytes.length
    const tagTo = bytes.indexOf(greaterThan, from) + 1
    if (tagTo === 0) return from
    const name = nameAt(bytes, from + 1, tagTo)
    const alone = bytes[tagTo - 2] === slash || /^[?/]|^stream:stream/.test(name)
    const to = alone ? tagTo : endOf(bytes, name, tagTo)
    if (to < 0) return from
    handle({ name, from, tagTo, to })
    at = to
  }
}

function nameAt(bytes: Buffer, from: number, to: number): string {
  if (bytes[from] === 0x6d) return 'message'
  return /^[/?]?[^\s/?>]*/.exec(bytes.toString('latin1', from, Math.min(to, from + 40)))?.[0] ?? ''
}

/** Archived messages come inside others, so the first closing tag may be that of an inner one. */
function endOf(bytes: Buffer, name: string, from: number): number {
  const closing = `</${name}>`
  let at = from
  for (let open = 1; open > 0; open--) {
    const close = bytes.indexOf(closing, at)
    if (close < 0) return -1
    open += occurrences(bytes.subarray(at, close), `<${name} `)
    at = close + closing.length
  }
  return at
}

function occurrences(bytes: Buffer, text: string): number {
  let count = 0
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) count++
  return count
}

/** What a message stanza turned out to be. */
export type ReadMessage =
  | { kind: 'message' | 'receipt'; number: number; from: number; to: number }
  | { kind: 'wrong'; reason: string }

/** Reads a message to a session and compares all of it that its sender decided. */
export function readMessage(bytes: Buffer, stanza: Stanza): ReadMessage {
  const tag = bytes.toString('latin1', stanza.from, stanza.tagTo)
  if (/ type=['"]error/.test(tag)) return { kind: 'wrong', reason: 'a message came back' }
  const from = numberBehind(tag, /[\s]from=['"]u/)
  const to = numberBehind(tag, /[\s]to=['"]u/)
  const mark = bytes.indexOf(tilde, stanza.tagTo)
  if (from < 0 || to < 0 || mark < 0 || mark + markBytes > stanza.to)
    return { kind: 'wrong', reason: 'a message without a mark or an address' }
  const number = digitsAt(bytes, mark + 2)
  const letter = bytes[mark + 1]
  if (letter === letterR && number >= 0) return { kind: 'receipt', number, from, to }
  const bodyTo = mark + bodyBytes
  const whole = filler.compare(bytes, mark + markBytes, bodyTo) === 0 && bytes[bodyTo] === lessThan
  if (letter !== letterM || number < 0 || !whole)
    return { kind: 'wrong', reason: 'a message that is not as it was sent' }
  return { kind: 'message', number, from, to }
}

function numberBehind(text: string, start: RegExp): number {
  const found = start.exec(text)
  if (!found) return -1
  const at = found.index + found[0].length
  return Number.parseInt(text.slice(at, at + digits), 10)
}

function digitsAt(bytes: Buffer, from: number): number {
  let value = 0
  for (let at = from; at < from + digits; at++) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** Number of the message inside an archived one (XEP-0313); -1 when it is none of ours. */
export function archivedNumber(bytes: Buffer, { tagTo, to }: Stanza): number {
  const inside = bytes.subarray(tagTo, to)
  const mark = inside.indexOf('>~M')
  return inside.includes('<forwarded') && mark >= 0 ? digitsAt(inside, mark + 3) : -1
}
