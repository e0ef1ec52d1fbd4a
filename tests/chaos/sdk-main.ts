/**
 * The program of a few people with the SDK, killed now and then and back on its profiles:
 * `bun tests/chaos/sdk-main.ts`, steered over the process channel.
 */
import { join } from 'node:path'
import { SimRandom } from '@parley/testkit'
import { openBunClient } from '../../packages/sdk/src/index.bun.ts'
import type { Client } from '../../packages/sdk/src/index.ts'
import { answerTo } from './channel.ts'
import type { SdkOrders, SdkUser } from './channel.ts'
import { openHistory } from './history.ts'
import { paceOf } from './pace.ts'
import { SdkParticipant } from './sdk-participant.ts'
import type { Peer } from './sdk-participant.ts'

const tickMs = 20
const lookEveryMs = 200
const countEveryMs = 500
const lockWaitMs = 30_000
/** Whom each writes to, among all. */
const peersPerUser = 3

type Program = Awaited<ReturnType<typeof begin>>

let program: Promise<Program> | undefined
const codes = new Map<string, (code: string) => void>()

const answer = answerTo((order) => {
  switch (order.t) {
    case 'begin':
      if (order.orders.kind === 'sdk') program = begin(order.orders)
      return
    case 'code':
      codes.get(order.phone)?.(order.code)
      return
    case 'load':
      void program?.then((running) => running.load(order.people))
      return
    case 'settle':
      void program?.then((running) => running.settle())
      return
    case 'finish':
      void program?.then((running) => running.finish())
  }
})

async function begin(orders: SdkOrders) {
  const history = openHistory(orders.history)
  const random = new SimRandom(orders.load.seed + orders.run)
  const clients = new Map<SdkUser, Client>()
  const registered: Peer[] = []
  for (const user of orders.users) {
    const folder = join(orders.profiles, user.name)
    const client = await openBunClient({ folder, server: orders.url, waitMs: lockWaitMs })
    clients.set(user, client)
    const account = client.account.getSnapshot()
    const id = account.kind === 'none' ? await register(client, user) : account.account
    registered.push({ name: user.name, account: id })
  }
  const participants = [...clients].map(([{ name }, client]) => {
    return new SdkParticipant(client, { name, history, run: orders.run })
  })
  for (const client of clients.values()) client.start()
  answer({ t: 'registered', people: registered })
  const pace = paceOf(orders.load, random.fork())
  let peers: Peer[][] = []
  let phase: 'idle' | 'load' | 'settle' = 'idle'
  const write = () => {
    for (let due = phase === 'load' ? pace(performance.now()) : 0; due > 0; due--) {
      const index = random.below(participants.length)
      const participant = participants[index]
      if (participant?.mayWrite) void participant.write(random.pick(peers[index] ?? []))
    }
  }
  const writing = setInterval(write, tickMs)
  const looking = setInterval(() => {
    for (const participant of participants) participant.look()
  }, lookEveryMs)
  const sum = (key: 'sent' | 'accepted' | 'shown') =>
    participants.reduce((total, participant) => total + participant[key], 0)
  const counting = setInterval(() => {
    const [sent, accepted, received] = [sum('sent'), sum('accepted'), sum('shown')]
    const waiting = phase === 'settle' ? participants.filter((each) => !each.settled()) : []
    const says = waiting.map((each) => each.says()).join('; ')
    const settled = phase === 'settle' && waiting.length === 0
    answer({ t: 'count', sent, accepted, received, settled, says })
  }, countEveryMs)
  return {
    load(people: Peer[]) {
      peers = peersOf(orders, people)
      phase = 'load'
      for (const participant of participants) participant.print()
    },
    settle() {
      phase = 'settle'
      for (const participant of participants) participant.print()
    },
    async finish() {
      for (const timer of [writing, looking, counting]) clearInterval(timer)
      for (const participant of participants) participant.finish()
      for (const client of clients.values()) await client[Symbol.asyncDispose]()
      history.close()
      answer({ t: 'finished' })
    },
  }
}

async function register(client: Client, { name, phone }: SdkUser): Promise<string> {
  const step = await client.startRegistration(phone)
  const code = await new Promise<string>((resolve) => {
    codes.set(step.phone, resolve)
    answer({ t: 'code-please', phone: step.phone })
  })
  const { registration } = step
  const input = { registration, code, name, recoveryKey: undefined }
  return (await client.finishRegistration(input)).account
}

/** The same ones in each run, so that ratchets grow long. */
function peersOf({ load, users }: SdkOrders, people: Peer[]): Peer[][] {
  const random = new SimRandom(load.seed)
  return users.map(({ name }) => {
    const others = people.filter((peer) => peer.name !== name)
    return Array.from({ length: Math.min(peersPerUser, others.length) }, () => random.pick(others))
  })
}

answer({ t: 'up' })
