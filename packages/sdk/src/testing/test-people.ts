/** For tests: registered people on databases in memory, against a real server. */
import { Database } from 'bun:sqlite'
import { nobleCurve } from '@parley/crypto/reference'
import { openClient } from '../client.ts'
import { systemClock } from '../platform/clock.ts'
import type { SqlDriver } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { bunTransport } from '../platform/transport.bun.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import type { AccountId } from '@parley/wire'
import type { Client, LiveQuery, TimelineItem } from '../types.ts'

export interface Person extends AsyncDisposable {
  client: Client
  account: AccountId
  recoveryKey: string
  database: Database
  phone: string
}

export interface TestServerLike {
  url: string
  codes: ReadonlyMap<string, string>
}

let numbers = 0

export function openOn(driver: SqlDriver, url: string): Client {
  return openClient({
    driver,
    clock: systemClock,
    random: systemRandom,
    transport: bunTransport,
    curve: nobleCurve,
    server: url,
    recordEvents: true,
    observeMessageKey: undefined,
  })
}

export async function register(
  server: TestServerLike,
  name: string,
  again?: { phone: string; recoveryKey: string | undefined },
): Promise<Person> {
  const database = new Database(':memory:')
  const client = openOn(openBunDriver(database), server.url)
  const phone = again?.phone ?? `+4915112${String(345000 + numbers++)}`
  const step = await client.startRegistration(phone)
  const code = server.codes.get(step.phone) ?? ''
  const { registration } = step
  const recovery = again?.recoveryKey
  const registered = await client.finishRegistration({
    registration,
    code,
    name,
    recoveryKey: recovery,
  })
  client.start()
  return {
    client,
    account: registered.account,
    recoveryKey: registered.recoveryKey,
    database,
    phone: step.phone,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** Resolves when the query's answer satisfies; rejects after the time. */
export async function until<T>(
  query: LiveQuery<T>,
  satisfied: (value: T) => boolean,
  withinMs = 10_000,
): Promise<T> {
  const waiting = Promise.withResolvers<T>()
  const check = () => {
    const value = query.getSnapshot()
    if (satisfied(value)) waiting.resolve(value)
  }
  const end = query.subscribe(check)
  const late = () =>
    waiting.reject(new Error(`still ${JSON.stringify(query.getSnapshot()).slice(0, 3000)}`))
  const timer = setTimeout(late, withinMs)
  check()
  try {
    return await waiting.promise
  } finally {
    end()
    clearTimeout(timer)
  }
}

/** For what no query shows. */
export async function eventually(satisfied: () => boolean, withinMs = 10_000): Promise<void> {
  const deadlineMs = systemClock.now() + withinMs
  while (!satisfied()) {
    if (systemClock.now() > deadlineMs) throw new Error('it did not come to that')
    await new Promise<void>((resolve) => systemClock.after(20, resolve))
  }
}

export function timelineOf(client: Client, conversation: AccountId) {
  return client.timeline({ conversation, around: undefined, limit: 180 })
}

export function textsOf(items: readonly TimelineItem[]): string[] {
  return items.flatMap((item) => (item.body.kind === 'text' ? [item.body.text] : []))
}

export function untilTexts(
  client: Client,
  conversation: AccountId,
  texts: readonly string[],
  withinMs = 10_000,
): Promise<unknown> {
  const wanted = JSON.stringify(texts)
  const query = timelineOf(client, conversation)
  return until(query, (page) => JSON.stringify(textsOf(page.items)) === wanted, withinMs)
}

export function untilStatus(
  client: Client,
  conversation: AccountId,
  status: TimelineItem['status'],
): Promise<unknown> {
  const query = timelineOf(client, conversation)
  return until(query, (page) => {
    const mine = page.items.filter((item) => item.mine)
    return mine.length > 0 && mine.every((item) => item.status === status)
  })
}
