/** What each cell of the comparison starts, and which load it brings. */
import { loadPairs } from '../load/pairs.ts'
import type { Watch } from '../load/watch.ts'
import type { Peer } from '../peers/peer.ts'
import type { VersusPeer } from '../peers/versus-peers.ts'
import type { XmppPeerOptions } from '../peers/xmpp-peer.ts'
import type { Row } from '../scenario.ts'
import { loadIdle } from './idle.ts'
import { loadKill } from './kill.ts'
import { loadLogins } from './login-storm.ts'
import { loadOffline } from './offline.ts'

export interface VersusSizes {
  users: number
  measureS: number
  sessions: number
  settleS: number
  /** To a tenth as many receivers. */
  messages: number
}

export interface CellPlan {
  id: string
  scenario: string
  /** Roughly, for the time that is left. */
  expectedS: number
  fits(peer: VersusPeer): boolean
  /** The peer is gone afterwards. */
  run(peer: VersusPeer, watch: Watch): Promise<Row>
}

const [warmS, drainS, senders, killPairs] = [3, 60, 50, 100]
/** The load of a slow peer is divided by it. */
const slowness = 5

/** A load that takes longer is stopped, and left when it hangs even then. */
export const cellSMax = 300
const hangingS = 100

type Manner = Omit<XmppPeerOptions, 'users'>
/** With the archive on, since ours always stores. */
const passing: Manner = { durable: true, asks: 'never', archives: true }
/** A peer's own store for users who are away is enough: the archive would be a second one. */
const waiting: Manner = { durable: true, asks: 'each-burst', archives: false }
/** Each message is a promise of its own. */
const killed: Manner = { durable: true, asks: 'each-message', archives: true }

const everybody = () => true
const servers = ({ standsForServer }: VersusPeer) => standsForServer
const keepers = ({ isLimit }: VersusPeer) => !isLimit

/** An even part of it where the peer is slow. */
function shareOf({ isSlow }: VersusPeer, usual: number): number {
  return isSlow ? Math.max(2, Math.trunc(usual / slowness / 2) * 2) : usual
}

async function withPeer(
  { peer, needs }: { peer: VersusPeer; needs: XmppPeerOptions },
  watch: Watch,
  load: (started: Peer) => Promise<Row>,
): Promise<Row> {
  watch.begin(`${peer.name}: starting`)
  await using started = await peer.start(needs)
  return await orGiveUp(load(started))
}

async function orGiveUp(figures: Promise<Row>): Promise<Row> {
  const late = Promise.withResolvers<never>()
  const ms = (cellSMax + hangingS) * 1000
  const timer = setTimeout(() => late.reject(new Error(`no answer for ${ms / 1000} s`)), ms)
  try {
    return await Promise.race([figures, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

export function versusPlans(sizes: VersusSizes): CellPlan[] {
  return [
    pairsPlan('w1', { w: 1, ratePerS: 0 }, { sizes, expectedS: 17 }),
    pairsPlan('w8', { w: 8, ratePerS: 0 }, { sizes, expectedS: 40 }),
    pairsPlan('rate300', { w: 0, ratePerS: 300 }, { sizes, expectedS: 17 }),
    pairsPlan('rate1000', { w: 0, ratePerS: 1000 }, { sizes, expectedS: 17 }),
    ...loginPlans(sizes),
    offlinePlan(sizes),
    killPlan,
  ]
}

function pairsPlan(
  id: string,
  loop: { w: number; ratePerS: number },
  { sizes, expectedS }: { sizes: VersusSizes; expectedS: number },
): CellPlan {
  return {
    id,
    scenario: 'one-to-one',
    expectedS,
    fits: everybody,
    run(peer, watch) {
      const users = shareOf(peer, sizes.users)
      const options = { users, ...loop, warmS, measureS: sizes.measureS, drainS }
      const needs = { users, ...passing }
      return withPeer({ peer, needs }, watch, (started) => loadPairs(started, options, watch))
    },
  }
}

function loginPlans({ sessions, settleS }: VersusSizes): CellPlan[] {
  const needs = { users: sessions, ...passing }
  const common = { expectedS: 33, fits: servers }
  return [
    {
      ...common,
      id: 'idle',
      scenario: 'idle',
      run: (peer, watch) =>
        withPeer({ peer, needs }, watch, (started) =>
          loadIdle(started, { sessions, settleS }, watch),
        ),
    },
    {
      ...common,
      id: 'login-storm',
      scenario: 'login-storm',
      run: (peer, watch) =>
        withPeer({ peer, needs }, watch, (started) =>
          loadLogins(started, { sessions, atOnce: sessions }, watch),
        ),
    },
  ]
}

function offlinePlan(sizes: VersusSizes): CellPlan {
  return {
    id: 'offline',
    scenario: 'offline',
    expectedS: 43,
    fits: keepers,
    run(peer, watch) {
      const messages = shareOf(peer, sizes.messages)
      const users = Math.max(1, Math.trunc(messages / 10))
      const needs = { users: users + senders, ...waiting }
      return withPeer({ peer, needs }, watch, (started) =>
        loadOffline(started, { users, messages, senders, w: 8 }, watch),
      )
    },
  }
}

const killPlan: CellPlan = {
  id: 'kill',
  scenario: 'kill',
  expectedS: 20,
  fits: ({ startToKill }) => startToKill !== undefined,
  async run(peer, watch) {
    if (!peer.startToKill) throw new Error(`${peer.name} keeps nothing that could be lost`)
    watch.begin(`${peer.name}: starting`)
    const pairs = shareOf(peer, killPairs)
    const needs = { users: 2 * pairs, ...killed }
    await using started = await peer.startToKill(needs)
    return await orGiveUp(loadKill(started, pairs, watch))
  },
}
