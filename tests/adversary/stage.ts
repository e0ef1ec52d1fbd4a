/**
 * Who plays in these tests: Ana, whose line to the real server is her own; Ben, whose server means
 * harm. And what a profile holds, to be compared before and after an attack.
 */
import type { Database } from 'bun:sqlite'
import { startServer } from '@parley/testkit'
import type { TestServer } from '@parley/testkit'
import type { Entry, MessageContent } from '@parley/wire'
import { register, untilStatus, untilTexts } from '../../packages/sdk/src/testing/test-people.ts'
import type { Person } from '../../packages/sdk/src/testing/test-people.ts'
import { HostileServer } from './hostile-server.ts'

export interface Stage extends AsyncDisposable {
  server: TestServer
  /** Between Ben and the server. */
  evil: HostileServer
  ana: Person
  ben: Person
}

export async function setStage(): Promise<Stage> {
  const server = await startServer()
  const evil = new HostileServer(server.url)
  const ana = await register(server, 'Ana')
  const ben = await register({ url: evil.url, codes: server.codes }, 'Ben')
  return {
    server,
    evil,
    ana,
    ben,
    async [Symbol.asyncDispose]() {
      await Promise.all([ana, ben].map((person) => person[Symbol.asyncDispose]()))
      await evil[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

export const greetings = ['hello', 'hello yourself']

/** Both have sent and received, so that neither says anything about prekeys any more. */
export async function setAcquaintedStage(): Promise<Stage> {
  const stage = await setStage()
  await acquaint(stage)
  return stage
}

export async function acquaint({ ana, ben }: Pick<Stage, 'ana' | 'ben'>): Promise<void> {
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(ben.client, ana.account, ['hello'])
  await ben.client.sendText(ana.account, 'hello yourself')
  await untilTexts(ana.client, ben.account, greetings)
  await untilStatus(ana.client, ben.account, 'delivered')
  await untilStatus(ben.client, ana.account, 'delivered')
}

/** What a refused message must leave as it was. */
export const trustTables = [
  'sessions',
  'signed_prekeys',
  'kyber_prekeys',
  'one_time_prekeys',
  'used_base_keys',
  'device_lists',
] as const

export function stateOf(database: Database, tables: readonly string[] = trustTables): string {
  const rows = tables.map((table) => [table, database.query(`SELECT * FROM ${table}`).all()])
  return JSON.stringify(rows, (_, value: unknown) =>
    value instanceof Uint8Array ? value.toHex() : value,
  )
}

/** Holds back what people wrote; `next` gives each message instead of letting it through. */
export function intercept(evil: HostileServer): { next(): Promise<MessageContent> } {
  const held: MessageContent[] = []
  const wanting: ((content: MessageContent) => void)[] = []
  const positions = new Set<number>()
  evil.alterServerFrame = (frame) => {
    if (frame.kind !== 'entry' || frame.content.kind !== 'message') return [frame]
    if (!positions.has(frame.position)) take(frame as Entry & { content: MessageContent })
    return []
  }
  const take = ({ position, content }: Entry & { content: MessageContent }) => {
    positions.add(position)
    const want = wanting.shift()
    if (want) want(content)
    else held.push(content)
  }
  return {
    next() {
      const content = held.shift()
      if (content) return Promise.resolve(content)
      return new Promise((resolve) => wanting.push(resolve))
    },
  }
}

/** No session is begun anew meanwhile, so that what changes has another cause. */
export function withholdBundles(evil: HostileServer): void {
  const before = evil.alterAnswer
  evil.alterAnswer = (exchange) => {
    if (!exchange.path.endsWith('/bundles')) return before(exchange)
    return Response.json({ error: { code: 'unavailable', message: 'Later.' } }, { status: 503 })
  }
}

export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const spoilt = bytes.slice()
  spoilt[bit >> 3] = (spoilt[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return spoilt
}
