/**
 * The door of the channel: what comes in is a message that a tab or an engine of this version says,
 * or it is dropped. Texts inside calls are checked by what is called.
 */
import { type ChannelMessage, isQueryName } from './messages.ts'

type Check = (value: unknown) => boolean
type Fields = Readonly<Record<string, Check>>

const text: Check = (value) => typeof value === 'string'
const count: Check = (value) => Number.isSafeInteger(value)
const number: Check = (value) => Number.isFinite(value)
const flag: Check = (value) => typeof value === 'boolean'
const anything: Check = () => true
const problem = shape({ code: text, says: text })

const states: Readonly<Record<string, Fields>> = {
  starting: {},
  ready: { persistent: flag },
  failed: { problem },
}

const messages: { readonly [Kind in ChannelMessage['kind']]: Fields } = {
  hello: { tab: text },
  network: { isOnline: flag },
  call: { tab: text, engine: text, call: count, method: text, input: Array.isArray },
  follow: { tab: text, engine: text, query: count, name: isQueryName, input: Array.isArray },
  unfollow: { tab: text, engine: text, query: count },
  seen: { tab: text, engine: text, query: count },
  here: { tab: text, engine: text },
  bye: { tab: text, engine: text },
  engine: { engine: text, state: (value) => hasShapeOf(states, value) },
  answer: { tab: text, call: count, outcome: isOutcome },
  snapshot: { tab: text, query: count, value: anything },
  forgotten: { tab: text },
}

const cursor = shape({ stamp: number, id: text })
const timeline = shape({
  conversation: text,
  around: (value) => value === undefined || cursor(value),
  limit: count,
})

export function parseMessage(value: unknown): ChannelMessage | undefined {
  if (!hasShapeOf(messages, value)) return undefined
  const message = value as ChannelMessage
  return message.kind !== 'follow' || canFollow(message) ? message : undefined
}

function canFollow({ input, name }: Extract<ChannelMessage, { kind: 'follow' }>): boolean {
  switch (name) {
    case 'chat':
      return text(input[0])
    case 'timeline':
      return timeline(input[0])
    case 'account':
    case 'connection':
    case 'chats':
    case 'events':
      return true
  }
}

function isOutcome(value: unknown): boolean {
  return shape({ ok: flag })(value) && ((value as { ok: boolean }).ok || shape({ problem })(value))
}

/** By its `kind`. */
function hasShapeOf(kinds: Readonly<Record<string, Fields>>, value: unknown): boolean {
  if (!shape({ kind: text })(value)) return false
  const { kind } = value as { kind: string }
  const fields = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  return fields !== undefined && shape(fields)(value)
}

function shape(fields: Fields): Check {
  const checks = Object.entries(fields)
  return (value) => {
    if (typeof value !== 'object' || value === null) return false
    const own = (name: string) =>
      Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
    return checks.every(([name, check]) => check(own(name)))
  }
}
