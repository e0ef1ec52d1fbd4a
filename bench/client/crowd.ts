/**
 * Who writes in the benchmark of the SDK: real people with profiles of their own, whose sessions
 * with the receiver have been answered, and a backlog as a night brings it.
 */
import { SimRandom } from '@parley/testkit'
import type { SpawnedServer } from '@parley/testkit'
import type { AccountId } from '@parley/wire'
import { Person } from '../../tests/e2e/sdk-harness.ts'
import type { Watch } from '../load/watch.ts'

const writersCount = 20
/** These write four fifths of the messages. */
const busyWriters = 5
const busyShare = 0.8
/** Messages of one person in a row. */
const runMax = 8
const seed = 5
const textLengthMin = 8
const textLengthMax = 160
const words = 'see you at the old bridge when the rain is over and bring the long ladder too '

interface Writer {
  person: Person
  name: string
}

export interface Crowd extends AsyncDisposable {
  server: SpawnedServer
  writers: Writer[]
}

/** What was left waiting for a receiver. */
export interface Backlog {
  messages: number
  chats: { conversation: AccountId; name: string; count: number; last: string }[]
}

export async function openCrowd(server: SpawnedServer, watch: Watch): Promise<Crowd> {
  await using opened = new AsyncDisposableStack()
  const writers: Writer[] = []
  watch.begin('registering people')
  for (let number = 1; number <= writersCount && !watch.signal.aborted; number++) {
    watch.show(number, writersCount)
    const name = `Writer ${String(number).padStart(2, '0')}`
    writers.push({ name, person: opened.use(await Person.register(server, { name })) })
  }
  const kept = opened.move()
  return { server, writers, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** The first word of everybody, which the receiver has to answer. */
export async function greet({ writers }: Crowd, phone: string): Promise<void> {
  for (const { person, name } of writers) {
    const { account } = await person.client.findContact(phone)
    await person.client.sendText(account, `${name} here`)
  }
}

/** Until the receiver has answered everybody. */
export async function answered({ writers }: Crowd, receiver: AccountId): Promise<void> {
  for (const { person } of writers) {
    const isAnswered = () =>
      person.client
        .chats()
        .getSnapshot()
        .some((chat) => chat.conversation === receiver && !chat.previewMine)
    await person.until(person.client.chats(), isAnswered)
  }
}

/** Written in runs, one after the other, each accepted before the next one begins. */
export async function leaveBacklog(
  { writers }: Crowd,
  receiver: AccountId,
  { messages, watch }: { messages: number; watch: Watch },
): Promise<Backlog> {
  const random = new SimRandom(seed)
  const counts = new Map<Writer, { count: number; last: string }>()
  let left = messages
  watch.begin('leaving messages')
  while (left > 0 && !watch.signal.aborted) {
    watch.show(messages - left, messages)
    const writer = nextWriter(writers, random, counts.size)
    const length = Math.min(left, random.between(1, runMax))
    const before = counts.get(writer)?.count ?? 0
    const last = await writeRun(writer, receiver, { first: before + 1, length, random })
    counts.set(writer, { count: before + length, last })
    left -= length
  }
  const chats = [...counts].map(([{ name, person }, written]) => ({
    conversation: person.account,
    name,
    ...written,
  }))
  return { messages, chats }
}

/** Everybody once, then mostly the busy ones. */
function nextWriter(writers: readonly Writer[], random: SimRandom, known: number): Writer {
  const fresh = writers[known]
  if (fresh && random.chance(0.5)) return fresh
  const busy = writers.slice(0, busyWriters)
  return random.pick(random.chance(busyShare) ? busy : writers.slice(busyWriters))
}

async function writeRun(
  { person }: Writer,
  receiver: AccountId,
  { first, length, random }: { first: number; length: number; random: SimRandom },
): Promise<string> {
  let text = ''
  for (let number = first; number < first + length; number++) {
    text = textOf(number, random.between(textLengthMin, textLengthMax))
    await person.client.sendText(receiver, text)
  }
  await person.until(person.client.chats(), (chats) =>
    chats.some((chat) => chat.conversation === receiver && chat.previewStatus !== 'pending'),
  )
  return text
}

function textOf(number: number, length: number): string {
  return `${number}. ${words.repeat(Math.ceil(length / words.length)).slice(0, length)}`.trim()
}
