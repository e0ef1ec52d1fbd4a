/**
 * A message's id and text say who wrote it to whom and under which number, so that whoever has
 * only one of them knows what it must be.
 */
import { parseMessageId } from '@parley/wire'
import type { MessageId } from '@parley/wire'

const mark = 'c4a05'
const fillerMax = 600

/** Participants have the names `r0`, `r1`… and `s0`, `s1`…. */
function numberOf(name: string): string {
  const kind = name.startsWith('s') ? '8' : '0'
  return kind + Number(name.slice(1)).toString(16).padStart(4, '0')
}

function nameOf(text: string): string {
  return (text[0] === '8' ? 's' : 'r') + Number.parseInt(text.slice(1), 16)
}

export interface MessageName {
  from: string
  to: string
  n: number
}

export function idOf({ from, to, n }: MessageName): MessageId {
  const number = n.toString(16).padStart(17, '0')
  return parseMessageId(mark + numberOf(from) + numberOf(to) + number)
}

/** Undefined for an id that was not made here. */
export function nameOfId(id: string): MessageName | undefined {
  if (!id.startsWith(mark)) return undefined
  const from = nameOf(id.slice(5, 10))
  const to = nameOf(id.slice(10, 15))
  return { from, to, n: Number.parseInt(id.slice(15), 16) }
}

/** The same for the same message, of any length up to 600 characters and a bit. */
export function textOf(name: MessageName): string {
  const id = idOf(name)
  const length = (name.n * 7919 + id.charCodeAt(9) * 104_729) % fillerMax
  return `${id} ${'abcdefgh '.repeat(Math.ceil(length / 9)).slice(0, length)}`
}
