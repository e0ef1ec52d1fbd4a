/** What people and bad luck do during the storm, one thing at a time, chosen by the seed. */
import { ParleyError } from '@parley/sdk'
import type { SimDisk } from '@parley/testkit'
import { textMarker } from './markers.ts'
import type { SimClient } from './sim-client.ts'
import { textBytesMax } from './witness.ts'
import type { World } from './world.ts'

export type Happening = (world: World) => Promise<void>

export function anyone(world: World): SimClient {
  return world.random.pick(world.clients)
}

export function someoneElse(world: World, than: SimClient): SimClient {
  return world.random.pick(world.clients.filter((client) => client !== than))
}

async function send(world: World): Promise<void> {
  const from = anyone(world)
  const to = someoneElse(world, from)
  const burst = world.random.between(1, 4)
  for (let index = 0; index < burst; index++) {
    if (!from.client || !to.account) return
    const words = `${from.name}${textMarker}${to.name} ${world.sent.length}`
    const text = world.random.chance(0.05)
      ? words.padEnd(world.random.between(1, textBytesMax), '.')
      : words
    from.lastText = text
    if (!(await write(world, { from, to, text, words }))) return
  }
}

/** False when no more can be written now. */
export async function write(
  world: World,
  message: { from: SimClient; to: SimClient; text: string; words: string },
): Promise<boolean> {
  const { from, to, text, words } = message
  const { client } = from
  if (!client || !to.account) return false
  try {
    const id = await world.waitFor(client.sendText(to.account, text))
    world.wrote({ from, to, text, id })
    world.tell(`${from.name} writes "${words}"`)
    return true
  } catch (error) {
    const code = error instanceof ParleyError ? error.problem.code : undefined
    if (code === 'unknown-recipient') world.beginQuietly(client.findContact(to.account))
    if (code === 'unknown-recipient' || code === 'revoked') return false
    const full = code === 'disk-full'
    if (from.client && !full) throw error
    world.tell(`${from.name} ${full ? 'has no room' : 'dies'} writing "${words}"`)
    world.wrote({ from, to, text, id: undefined })
    return false
  }
}

async function read(world: World): Promise<void> {
  const reader = anyone(world)
  const writer = someoneElse(world, reader)
  const newest = reader.shown(writer)?.items.findLast((item) => !item.mine)
  if (!newest || !reader.client || !writer.account) return
  world.tell(`${reader.name} reads what ${writer.name} wrote`)
  world.begin(reader.client.markRead(writer.account, { stamp: newest.stamp, id: newest.id }))
}

const powerOf = (world: World) => (world.random.chance(0.5) ? 'goes' : 'stays')

async function crashClient(world: World): Promise<void> {
  const victim = anyone(world)
  const power = powerOf(world)
  if (!victim.client || !world.options.crashes) return
  if (world.random.chance(0.7)) {
    const effects = world.random.between(1, 80)
    world.tell(`${victim.name} will die at effect ${effects}, power ${power}`)
    victim.fuse.light(effects, power)
  } else {
    world.tell(`${victim.name} dies, power ${power}`)
    victim.crash(power)
  }
}

async function openAgain(world: World): Promise<void> {
  for (const person of world.clients) {
    if (person.client) continue
    world.tell(`${person.name} comes back`)
    try {
      person.open().start()
    } catch (error) {
      world.tell(`${person.name} dies coming back: ${String(error)}`)
    }
  }
}

async function crashServer(world: World): Promise<void> {
  const power = powerOf(world)
  if (!world.server.running || !world.options.crashes) return
  if (world.random.chance(0.7)) {
    const effects = world.random.between(1, 80)
    world.tell(`the server will die at effect ${effects}, power ${power}`)
    world.server.fuse.light(effects, power)
  } else {
    world.tell(`the server is killed, power ${power}`)
    world.server.crash(power)
  }
}

async function startServer(world: World): Promise<void> {
  const power = powerOf(world)
  if (world.server.stopped) world.server.crash(world.options.crashes ? power : 'stays')
  if (world.server.running) return
  world.tell('the server starts')
  await world.waitFor(world.server.start())
}

function anyDisk(world: World): { name: string; disk: SimDisk } {
  if (world.random.chance(0.5)) return { name: 'the server', disk: world.server.disk }
  const { name, disk } = anyone(world)
  return { name, disk }
}

async function diskFills(world: World): Promise<void> {
  const { name, disk } = anyDisk(world)
  disk.isFull = !disk.isFull
  world.tell(`the disk of ${name} ${disk.isFull ? 'is full' : 'has room again'}`)
}

async function syncFails(world: World): Promise<void> {
  const { name, disk } = anyDisk(world)
  disk.syncsToFail = world.random.between(1, 3)
  world.tell(`${disk.syncsToFail} syncs of ${name} will fail`)
}

async function cut(world: World): Promise<void> {
  const victim = world.random.chance(0.3) ? undefined : anyone(world)
  world.tell(`the network cuts ${victim?.name ?? 'everybody'} off`)
  world.network.cut(victim?.name)
}

async function weather(world: World): Promise<void> {
  const { random } = world
  world.network.weather = {
    delayMsMax: random.pick([5, 50, 500, 3_000]),
    cut: random.pick([0, 0.002, 0.02]),
    lose: random.pick([0, 0.05, 0.3]),
  }
  world.tell(`weather: ${JSON.stringify(world.network.weather)}`)
}

async function type(world: World): Promise<void> {
  const { client } = anyone(world)
  const { account } = anyone(world)
  if (!client || !account) return
  client.setTyping(account, world.random.chance(0.5))
  client.watchPresence(world.random.chance(0.7) ? account : undefined)
}

async function stall(world: World): Promise<void> {
  const victim = anyone(world)
  const forMs = world.random.between(2_000, 40_000)
  world.network.stall(victim.name, world.scheduler.nowMs + forMs)
  world.tell(`${victim.name} reads nothing for ${forMs} ms`)
}

async function skew(world: World): Promise<void> {
  const victim = anyone(world)
  victim.skew(world.random.between(-400_000, 400_000))
  world.tell(`the clock of ${victim.name} is ${victim.skewMs} ms off`)
}

async function pass(world: World): Promise<void> {
  await world.runUntil(world.scheduler.nowMs + world.random.between(1, 15_000))
}

/** What happens, and how often beside the others. */
export const happenings: readonly { weight: number; happen: Happening }[] = [
  { weight: 30, happen: send },
  { weight: 8, happen: read },
  { weight: 6, happen: crashClient },
  { weight: 10, happen: openAgain },
  { weight: 4, happen: crashServer },
  { weight: 8, happen: startServer },
  { weight: 5, happen: cut },
  { weight: 4, happen: weather },
  { weight: 3, happen: diskFills },
  { weight: 2, happen: syncFails },
  { weight: 3, happen: stall },
  { weight: 3, happen: type },
  { weight: 2, happen: skew },
  { weight: 4, happen: pass },
]
