/**
 * A program with the SDK, as a bot on the command line is one, in a process of its own so that its
 * processor time is nobody else's: `bun bench/client/program.ts TASK` with the task as JSON; the
 * figures come as one line of JSON.
 */
import { cpuUsage } from 'node:process'
import { openBunClient } from '../../packages/sdk/src/index.bun.ts'
import type { Client, LiveQuery } from '../../packages/sdk/src/index.ts'
import { median } from '../load/log-folder.ts'
import { warmUp } from './task.ts'
import type { Figures, Task } from './task.ts'

const task = JSON.parse(process.argv[2] ?? '') as Task
let arrivedAtMs = 0

/** Notes when the newest frame came. */
class NotedWebSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol)
    this.addEventListener('message', () => {
      arrivedAtMs = performance.now()
    })
  }
}

globalThis.WebSocket = NotedWebSocket as typeof WebSocket
const sinceStart = stopwatch()
const { folder, server } = task
const client = await openBunClient({ folder, server, recordEvents: false })
const figures = await measure(client)
await client[Symbol.asyncDispose]()
process.stdout.write(`${JSON.stringify(figures)}\n`)

async function measure(opened: Client): Promise<Figures> {
  if (task.kind === 'first-screen') {
    requireCount(opened.chats().getSnapshot().length)
    return sinceStart()
  }
  opened.start()
  await until(opened.connection, ({ status }) => status === 'online')
  switch (task.kind) {
    case 'catch-up': {
      const chats = opened.chats().getSnapshot()
      requireCount(chats.reduce((sum, chat) => sum + chat.unread, 0))
      return sinceStart()
    }
    case 'encrypt-to-accepted':
      return oneByOne(async (number) => {
        const startMs = performance.now()
        const id = await opened.sendText(task.peer, `answer ${number}`)
        await until(opened.chats(), () => opened.message(id)?.status !== 'pending')
        return performance.now() - startMs
      })
    case 'entry-to-displayed':
      process.stdout.write('ready\n')
      return oneByOne(async (number) => {
        await until(opened.chats(), (chats) =>
          chats.some(({ preview }) => preview === `live ${number}`),
        )
        return performance.now() - arrivedAtMs
      })
  }
}

async function oneByOne(one: (number: number) => Promise<number>): Promise<Figures> {
  for (let number = 0; number < warmUp; number++) await one(number)
  const since = stopwatch()
  const tookMs: number[] = []
  for (let count = 0; count < task.expected; count++) tookMs.push(await one(warmUp + count))
  return { wallMs: median(tookMs), cpuMs: since().cpuMs / task.expected }
}

function stopwatch(): () => Figures {
  const startMs = performance.now()
  const startCpu = cpuUsage()
  return () => {
    const used = cpuUsage(startCpu)
    return { wallMs: performance.now() - startMs, cpuMs: (used.user + used.system) / 1_000 }
  }
}

function requireCount(count: number): void {
  if (count !== task.expected) throw new Error(`${count} instead of ${task.expected}`)
}

function until<T>(query: LiveQuery<T>, satisfied: (value: T) => boolean): Promise<void> {
  if (satisfied(query.getSnapshot())) return Promise.resolve()
  return new Promise((resolve) => {
    const end = query.subscribe(() => {
      if (!satisfied(query.getSnapshot())) return
      end()
      resolve()
    })
  })
}
