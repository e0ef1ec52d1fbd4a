/**
 * What the SDK costs a person's machine: a message each way, 10,000 messages that waited, and the
 * time until the chats are there; in a Bun program, and in the web app in Chromium with SQLite on
 * OPFS. The server, and 20 people who write, are on the same machine.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnServer } from '@parley/testkit'
import type { AccountId } from '@parley/wire'
import { Person } from '../../tests/e2e/sdk-harness.ts'
import { answerAll, catchUpInApp, firstScreenInApp, registerInApp } from '../client/chromium.ts'
import { answered, greet, leaveBacklog, openCrowd } from '../client/crowd.ts'
import type { Backlog, Crowd } from '../client/crowd.ts'
import { warmUp } from '../client/task.ts'
import type { Figures, Task } from '../client/task.ts'
import { endWithUs } from '../load/end-with-us.ts'
import { median } from '../load/log-folder.ts'
import { rounded } from '../load/measure.ts'
import type { Watch } from '../load/watch.ts'
import { count, names, scenario } from '../scenario.ts'
import type { Row } from '../scenario.ts'

const runtimes = ['bun', 'chromium'] as const
type Runtime = (typeof runtimes)[number]

/** What is measured of messages one by one. */
const oneByOne = 200
const readerPhone = '+4915123456789'
const settleMs = 1_000

/** A reader's profile as it was before the backlog came, and what waits. */
interface Waiting {
  crowd: Crowd
  account: AccountId
  folder: string
  backlog: Backlog
  scratch: string
}

export const client = scenario({
  says: 'the SDK: messages one by one, a backlog, the first screen; in Bun and in Chromium',
  runsItself: true,
  options: {
    messages: count(10_000, 'messages that wait, from 20 people, five of whom write most'),
    runtime: names(runtimes),
    runs: count(3, 'runs, whose median and spread count'),
  },
  async *run({ messages, runtime, runs }, watch) {
    for (const each of runtimes) {
      if (runtime && !runtime.includes(each)) continue
      yield* measured(each, { messages, runs, watch })
    }
  },
})

interface Asked {
  messages: number
  runs: number
  watch: Watch
}

async function* measured(runtime: Runtime, { messages, runs, watch }: Asked): AsyncGenerator<Row> {
  const scratch = mkdtempSync(join(tmpdir(), 'parley-bench-client-'))
  const forget = endWithUs(() => rmSync(scratch, { recursive: true, force: true }))
  try {
    watch.begin('starting the server')
    await using server = await spawnServer({ web: runtime === 'chromium', detached: true })
    const unkill = endWithUs(() => server.kill('SIGKILL'))
    await using crowd = await openCrowd(server, watch)
    if (watch.signal.aborted) return
    const folder = join(scratch, 'profile')
    const account = await (runtime === 'bun' ? readInBun(crowd, folder) : readInApp(crowd, folder))
    const backlog = await leaveBacklog(crowd, account, { messages, watch })
    const waiting = { crowd, account, folder, backlog, scratch }
    if (!watch.signal.aborted) {
      yield* runtime === 'bun' ? inBun(waiting, runs, watch) : inApp(waiting, runs, watch)
    }
    unkill()
  } finally {
    forget()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Registers, answers everybody, and leaves. */
async function readInBun(crowd: Crowd, folder: string): Promise<AccountId> {
  await using reader = await Person.register(crowd.server, { name: 'Reader' })
  await greet(crowd, reader.phone)
  for (const { person } of crowd.writers) {
    await reader.untilTheirs(person, 1)
    await reader.send(person, 'hello')
  }
  await answered(crowd, reader.account)
  for (const { person } of crowd.writers) {
    await reader.untilMine(person, ['delivered'])
    const last = reader.items(person).at(-1)
    if (last) await reader.client.markRead(person.account, last)
  }
  await reader.close()
  cpSync(reader.folder, folder, { recursive: true })
  return reader.account
}

async function readInApp(crowd: Crowd, folder: string): Promise<AccountId> {
  const context = await registerInApp(folder, crowd, readerPhone)
  try {
    await greet(crowd, readerPhone)
    await answerAll(context, crowd)
    const [first] = crowd.writers
    if (!first) throw new Error('nobody writes')
    const { account } = await first.person.client.findContact(readerPhone)
    await answered(crowd, account)
    // The last read marks are on their way.
    await Bun.sleep(settleMs)
    return account
  } finally {
    await context.close()
  }
}

async function* inBun(waiting: Waiting, runs: number, watch: Watch): AsyncGenerator<Row> {
  const { backlog, crowd } = waiting
  const [caughtUp, first]: [Figures[], Figures[]] = [[], []]
  let folder = ''
  watch.begin('catching up in Bun')
  for (let run = 0; run < runs && !watch.signal.aborted; run++) {
    watch.show(run, runs)
    folder = freshCopy(waiting, run)
    const ask = (kind: Task['kind'], expected: number) =>
      program({ ...taskOn(waiting, folder), kind, expected })
    caughtUp.push(await ask('catch-up', backlog.messages))
    first.push(await ask('first-screen', crowd.writers.length))
  }
  yield rowOf('bun', 'catch-up', caughtUp, { messages: backlog.messages })
  yield rowOf('bun', 'first-screen', first, { messages: backlog.messages })
  if (watch.signal.aborted) return
  const task = { ...taskOn(waiting, folder), expected: oneByOne }
  watch.begin('sending one by one')
  const sent = await program({ ...task, kind: 'encrypt-to-accepted' })
  yield rowOf('bun', 'encrypt-to-accepted', [sent], { messages: oneByOne })
  watch.begin('receiving one by one')
  const shown = await program({ ...task, kind: 'entry-to-displayed' }, () => sendOneByOne(waiting))
  yield rowOf('bun', 'entry-to-displayed', [shown], { messages: oneByOne })
}

function taskOn({ crowd }: Waiting, folder: string): Pick<Task, 'folder' | 'server' | 'peer'> {
  const peer = crowd.writers[0]?.person.account
  if (!peer) throw new Error('nobody writes')
  return { folder, server: crowd.server.url, peer }
}

/** Each once the one before is there. */
async function sendOneByOne({ crowd, account }: Waiting): Promise<void> {
  const person = crowd.writers[0]?.person
  for (let number = 0; person && number < oneByOne + warmUp; number++) {
    const isDelivered = () => {
      const chat = person.client
        .chats()
        .getSnapshot()
        .find(({ conversation }) => conversation === account)
      return chat?.previewStatus === 'delivered' || chat?.previewMine === false
    }
    if (number > 0) await person.until(person.client.chats(), isDelivered)
    await person.client.sendText(account, `live ${number}`)
  }
}

async function program(task: Task, ready = () => Promise.resolve()): Promise<Figures> {
  const script = join(import.meta.dirname, '../client/program.ts')
  const child = Bun.spawn([process.execPath, script, JSON.stringify(task)], {
    stdout: 'pipe',
    stderr: 'inherit',
    // It comes to its end when the terminal's Ctrl-C stops the run.
    detached: true,
  })
  const unkill = endWithUs(() => child.kill('SIGKILL'))
  let said = ''
  const decoder = new TextDecoder()
  const talking: Promise<void>[] = []
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk)
    if (said === 'ready\n') talking.push(ready())
  }
  unkill()
  await Promise.all(talking)
  if ((await child.exited) !== 0) throw new Error('the program failed')
  return JSON.parse(said.trim().split('\n').at(-1) ?? '') as Figures
}

async function* inApp(waiting: Waiting, runs: number, watch: Watch): AsyncGenerator<Row> {
  const { backlog, crowd } = waiting
  const { url } = crowd.server
  const busiest = backlog.chats.toSorted((a, b) => b.count - a.count)[0]
  const screens = [
    { operation: 'catch-up', at: url },
    { operation: 'catch-up-open-chat', at: `${url}/c/${busiest?.conversation}` },
  ]
  const first: Figures[] = []
  for (const { operation, at } of screens) {
    const caughtUp: Figures[] = []
    watch.begin(`${operation} in Chromium`)
    for (let run = 0; run < runs && !watch.signal.aborted; run++) {
      watch.show(run, runs)
      const folder = freshCopy(waiting, run)
      caughtUp.push(await catchUpInApp(folder, at, backlog))
      first.push(await firstScreenInApp(folder, url, crowd.writers.length))
    }
    yield rowOf('chromium', operation, caughtUp, { messages: backlog.messages })
  }
  yield rowOf('chromium', 'first-screen', first, { messages: backlog.messages })
}

function freshCopy({ folder, scratch }: Waiting, run: number): string {
  rmSync(join(scratch, `run-${run - 1}`), { recursive: true, force: true })
  const copy = join(scratch, `run-${run}`)
  rmSync(copy, { recursive: true, force: true })
  cpSync(folder, copy, { recursive: true })
  return copy
}

/** Medians; of one message where messages are measured one by one. */
function rowOf(
  runtime: Runtime,
  operation: string,
  figures: readonly (Figures & { workerCpuMs?: number; pageCpuMs?: number })[],
  { messages }: { messages: number },
): Row {
  const walls = figures.map((each) => each.wallMs)
  const middle = (of: (each: (typeof figures)[number]) => number | undefined) => {
    const values = figures.map(of).filter((value) => value !== undefined)
    return values.length === 0 ? undefined : rounded(median(values))
  }
  return {
    peer: 'parley',
    operation,
    runtime,
    messages,
    runs: figures.length,
    median_ms: rounded(median(walls)),
    min_ms: rounded(Math.min(...walls)),
    max_ms: rounded(Math.max(...walls)),
    cpu_ms: middle((each) => each.cpuMs),
    worker_cpu_ms: middle((each) => each.workerCpuMs),
    page_cpu_ms: middle((each) => each.pageCpuMs),
  }
}
