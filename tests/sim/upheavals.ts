/** What goes beyond bad weather: ends that were meant, long silences, other devices. */
import { unacceptedSendsMax } from '@parley/wire'
import { anyone, someoneElse, write } from './happenings.ts'
import { textMarker } from './markers.ts'
import type { World } from './world.ts'

const minuteMs = 60_000
const outpouring = unacceptedSendsMax + 40

/** Whoever was told to stop, because the same device connected elsewhere, is started again. */
export async function startAgain(world: World): Promise<void> {
  for (const { client, name } of world.clients) {
    if (client?.connection.getSnapshot().status !== 'stopped') continue
    world.tell(`${name} starts again`)
    client.start()
  }
}

/** The operator ends the server and says so. */
export async function serverStops(world: World): Promise<void> {
  if (!world.server.running || world.server.stopped) return
  world.tell('the server is asked to end')
  await world.waitFor(world.server.stop())
}

/** The network forgets the connections of somebody without telling the server. */
export async function vanish(world: World): Promise<void> {
  const victim = anyone(world)
  world.tell(`the network forgets ${victim.name}`)
  world.network.vanish(victim.name)
}

/** Somebody writes more than may be on its way at once, and the answers take their time. */
export async function pourOut(world: World): Promise<void> {
  const from = anyone(world)
  const to = someoneElse(world, from)
  world.network.weather = { delayMsMax: 3_000, cut: 0, lose: 0 }
  world.tell(`${from.name} pours out ${outpouring} messages to ${to.name}`)
  for (let count = 0; count < outpouring; count++) {
    const words = `${from.name}${textMarker}${to.name} ${world.sent.length}`
    if (!(await write(world, { from, to, text: words, words }))) return
  }
}

/** So long that tokens expire. */
export async function longQuiet(world: World): Promise<void> {
  const forMs = world.random.between(14 * minuteMs, 20 * minuteMs)
  world.tell(`nobody does anything for ${Math.round(forMs / minuteMs)} minutes`)
  // Somebody looks after the disk in that time.
  world.server.disk.isFull = false
  await world.beQuiet(forMs)
}
