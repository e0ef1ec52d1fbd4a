import { expect, test } from 'bun:test'
import type { ChannelMessage } from './messages.ts'
import { parseMessage } from './parse-message.ts'

const [tab, engine] = ['a tab', 'an engine']
const problem = { code: 'refused', says: 'No.' } as const

const sound: readonly ChannelMessage[] = [
  { kind: 'hello', tab },
  { kind: 'network', isOnline: false },
  { kind: 'call', tab, engine, call: 1, method: 'contacts', input: [] },
  { kind: 'follow', tab, engine, query: 2, name: 'chats', input: [] },
  { kind: 'follow', tab, engine, query: 2, name: 'chat', input: ['a conversation'] },
  {
    kind: 'follow',
    tab,
    engine,
    query: 2,
    name: 'timeline',
    input: [{ conversation: 'c', around: undefined, limit: 20 }],
  },
  {
    kind: 'follow',
    tab,
    engine,
    query: 2,
    name: 'timeline',
    input: [{ conversation: 'c', around: { stamp: 2 ** 60, id: 'i' }, limit: 20 }],
  },
  { kind: 'unfollow', tab, engine, query: 2 },
  { kind: 'seen', tab, engine, query: 2 },
  { kind: 'here', tab, engine },
  { kind: 'bye', tab, engine },
  { kind: 'engine', engine, state: { kind: 'starting' } },
  { kind: 'engine', engine, state: { kind: 'ready', persistent: true } },
  { kind: 'engine', engine, state: { kind: 'failed', problem } },
  { kind: 'answer', tab, call: 1, outcome: { ok: true, value: undefined } },
  { kind: 'answer', tab, call: 1, outcome: { ok: false, problem } },
  { kind: 'snapshot', tab, query: 2, value: undefined },
  { kind: 'forgotten', tab },
]

test.each(sound.map((message) => [message.kind, message] as const))(
  'what is said comes through: %s',
  (_, message) => {
    expect(parseMessage(structuredClone(message))).toEqual(message)
  },
)

const foreign: readonly unknown[] = [
  undefined,
  null,
  'hello',
  [],
  {},
  { kind: 'toString' },
  { kind: 'hello' },
  { kind: 'network', isOnline: 1 },
  { kind: 'call', tab, engine, call: '1', method: 'contacts', input: [] },
  { kind: 'call', tab, engine, call: 1, method: 'contacts' },
  { kind: 'follow', tab, engine, query: 2, name: 'toString', input: [] },
  { kind: 'follow', tab, engine, query: 2, name: 'chat', input: [] },
  { kind: 'follow', tab, engine, query: 2, name: 'timeline', input: [{ conversation: 'c' }] },
  { kind: 'follow', tab, engine, query: 2, name: 'timeline', input: [undefined] },
  { kind: 'engine', engine },
  { kind: 'engine', engine, state: { kind: 'failed' } },
  { kind: 'answer', tab, call: 1, outcome: { ok: false } },
  { kind: 'answer', tab, call: 1 },
  Object.create({ kind: 'hello', tab }),
]

test.each(foreign.map((message) => [message] as const))(
  'anything else is dropped: %j',
  (message) => {
    expect(parseMessage(message)).toBeUndefined()
  },
)
