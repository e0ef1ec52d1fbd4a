/**
 * What a server has acknowledged and then lost when it is killed under load: a message counts as
 * lost when its sender was told that it was taken and its receiver never gets it, neither before
 * the kill, nor with the first login after it, nor from an archive. SIGKILL spares the page cache:
 * a loss of power would take more.
 */
import { inParallel } from '../load/measure.ts'
import { logInAll, usersFrom } from '../load/login.ts'
import type { LoadEvents, LoadSession } from '../load/protocol.ts'
import { waitUntil } from '../load/watch.ts'
import type { Watch } from '../load/watch.ts'
import type { KillablePeer } from '../peers/killable.ts'

/** Messages of a sender that are not taken yet. */
const w = 8
const [loginsAtOnce, readersAtOnce] = [16, 8]
const loadS = 5
/** What was in our own socket buffers at the kill still counts. */
const lateS = 0.5
/** How long nothing may come before a login counts as having brought everything. */
const quietS = 3
const quietSMax = 60

/** Sender u of so many pairs writes to user u + pairs. */
export async function loadKill(peer: KillablePeer, pairs: number, watch: Watch) {
  const [sent, accepted, arrived] = [new Set<number>(), new Set<number>(), new Set<number>()]
  const wrong: string[] = []
  const send = (session: LoadSession) => {
    if (watch.signal.aborted) return
    session.send(session.user + pairs, sent.size)
    sent.add(sent.size)
  }
  const events: LoadEvents = {
    message: (_, message) => arrived.add(message.number),
    confirmed() {},
    accepted(session, number) {
      accepted.add(number)
      send(session)
    },
    wrong: (_, reason) => wrong.push(reason),
    closed() {},
    chunkRead: (session) => session.flush(),
  }
  watch.begin(`${peer.name}: under load until it is killed`)
  const logIn = (first: number, hearsAccepted: boolean) =>
    logInAll(
      peer.protocol,
      { logins: usersFrom(first, pairs, hearsAccepted), atOnce: loginsAtOnce, events },
      watch,
    )
  const receivers = await logIn(pairs, false)
  const senders = await logIn(0, true)
  for (const session of senders) {
    for (let count = 0; count < w; count++) send(session)
    session.flush()
  }
  await waitUntil(watch, { minS: loadS, maxS: loadS, done: () => true })
  await peer.kill()
  await waitUntil(watch, { minS: lateS, maxS: lateS, done: () => true })
  for (const session of [...receivers, ...senders]) session.close()

  watch.begin(`${peer.name}: reading what it kept`)
  const before = arrived.size
  const restartMs = await readAgain(peer, { events, arrived, pairs }, watch)
  const lost = [...accepted].filter((number) => !arrived.has(number)).length
  return {
    peer: peer.name,
    durable: peer.durable,
    users: 2 * pairs,
    w,
    kills: 1,
    sent: sent.size,
    accepted: accepted.size,
    arrived_before_kill: before,
    arrived: arrived.size,
    lost,
    restart_ms: Math.round(restartMs),
    errors: wrong.length,
  }
}

/** Returns how long the restart took. */
async function readAgain(
  peer: KillablePeer,
  { events, arrived, pairs }: { events: LoadEvents; arrived: Set<number>; pairs: number },
  watch: Watch,
): Promise<number> {
  const startedAtMs = performance.now()
  const { protocol, readArchive } = await peer.restart()
  const restartMs = performance.now() - startedAtMs
  const logins = usersFrom(pairs, pairs, false)
  const sessions = await logInAll(protocol, { logins, atOnce: loginsAtOnce, events }, watch)
  let [last, changedAtMs] = [-1, performance.now()]
  const isQuiet = () => {
    const nowMs = performance.now()
    if (arrived.size !== last) [last, changedAtMs] = [arrived.size, nowMs]
    return nowMs - changedAtMs > quietS * 1000
  }
  await waitUntil(watch, { minS: 0, maxS: quietSMax, done: isQuiet })
  for (const session of sessions) session.close()
  if (readArchive) {
    const users = logins.map(({ user }) => user)
    await inParallel(users, readersAtOnce, async (user) => {
      for (const number of await readArchive(user)) arrived.add(number)
    })
  }
  return restartMs
}
