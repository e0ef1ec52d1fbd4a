/**
 * The program of the raw participants, many connections in one process:
 * `bun tests/chaos/raw-main.ts`, steered over the process channel.
 */
import { fromHex, inboxOf, parseAccountId, parseDeviceId } from '@parley/wire'
import { SimRandom } from '@parley/testkit'
import { answerTo } from './channel.ts'
import type { RawOrders } from './channel.ts'
import { openHistory } from './history.ts'
import { paceOf } from './pace.ts'
import { RawParticipant } from './raw-participant.ts'
import type { RawPeer } from './raw-participant.ts'
import { tokenFor } from './raw-users.ts'

const tickMs = 10
const countEveryMs = 500
/** Whom each writes to, among all. */
const peersPerUser = 4

const answer = answerTo((order) => {
  switch (order.t) {
    case 'begin':
      if (order.orders.kind === 'raw') program = begin(order.orders)
      return
    case 'load':
      return program?.load()
    case 'settle':
      return program?.settle()
    case 'finish':
      return program?.finish()
    case 'code':
  }
})

let program: ReturnType<typeof begin> | undefined

function begin(orders: RawOrders) {
  const random = new SimRandom(orders.load.seed)
  const history = openHistory(orders.history)
  let says = ''
  const participants = orders.users.map((user) => {
    const account = parseAccountId(user.account)
    return new RawParticipant({
      ...{ name: user.name, account, url: orders.url, history, random: random.fork() },
      token: () => tokenFor(orders.url, user),
      tell: (line) => {
        says = `${user.name}: ${line}`
      },
    })
  })
  const peers = peersOf(orders, random)
  const pace = paceOf(orders.load, random.fork())
  let phase: 'idle' | 'load' | 'settle' = 'idle'
  const write = () => {
    for (let due = phase === 'load' ? pace(performance.now()) : 0; due > 0; due--) {
      const index = random.below(participants.length)
      const participant = participants[index]
      if (participant?.mayWrite) participant.write(random.pick(peers[index] ?? []))
    }
  }
  const ticking = setInterval(() => {
    write()
    for (const participant of participants) participant.tick()
  }, tickMs)
  const sum = (key: 'sent' | 'accepted' | 'taken') =>
    participants.reduce((total, participant) => total + participant[key], 0)
  const counting = setInterval(() => {
    history.flush()
    const [sent, accepted, received] = [sum('sent'), sum('accepted'), sum('taken')]
    const settled = participants.every((each) => each.settled) && received >= accepted
    answer({ t: 'count', sent, accepted, received, settled, says })
  }, countEveryMs)
  return {
    load() {
      phase = 'load'
    },
    settle() {
      phase = 'settle'
    },
    finish() {
      clearInterval(ticking)
      clearInterval(counting)
      for (const participant of participants) participant.end()
      history.close()
      answer({ t: 'finished' })
    },
  }
}

function peersOf({ users }: RawOrders, random: SimRandom): RawPeer[][] {
  const all = users.map(
    ({ account, device, listHash, name }): RawPeer => ({
      name,
      log: inboxOf(parseAccountId(account)),
      device: parseDeviceId(device),
      listHash: fromHex(listHash),
    }),
  )
  return all.map((own) => {
    const others = all.filter((peer) => peer !== own)
    return Array.from({ length: Math.min(peersPerUser, others.length) }, () => random.pick(others))
  })
}

answer({ t: 'up' })
