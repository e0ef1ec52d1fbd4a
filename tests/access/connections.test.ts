/**
 * Very many connections (F2, F3). The server's limit of descriptors is lowered, so that a crowd of a
 * second shows what happens at it. The same with the machine's own limit, for 20,000 and more:
 *
 *   PARLEY_CROWD=20000 npx bun test ./tests/access/connections.test.ts -t F3
 *
 * So many come so slowly that the first silent ones are closed before the last is there; so each asks
 * for something first, which gives it the minute of a connection that may ask again.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { RawSocket } from './raw-socket.ts'
import { TargetServer } from './target-server.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(240_000)

const descriptorsMax = Number(process.env.PARLEY_CROWD ?? 1_500)
/** More than there are descriptors for. */
const crowdSize = Math.ceil(descriptorsMax * 1.2)
/** Each brings as many descriptors as its own process may have. */
const crowds = Math.ceil(crowdSize / 10_000)
/** F3. */
const isLarge = process.env.PARLEY_CROWD !== undefined
const roomAgainMsMax = isLarge ? 120_000 : 2 * 15_000
/** Of a machine that has much else to do. */
const latenessMs = 15_000
/** F2; what its login used is not all given back at once. */
const idleKibMax = 32

function gather(url: string): { leave(): Promise<void> } {
  const size = String(Math.ceil(crowdSize / crowds))
  const command = [process.execPath, join(import.meta.dir, 'crowd.ts'), url, size]
  const manner = isLarge ? 'asking' : 'silent'
  const children = Array.from({ length: crowds }, () =>
    Bun.spawn([...command, manner], { stdin: 'pipe' }),
  )
  return {
    async leave() {
      for (const child of children) void child.stdin.end()
      await Promise.all(children.map((child) => child.exited))
    },
  }
}

test('[F3] at the limit of descriptors those who are there are served, and in half a minute everybody again', async () => {
  await using target = await TargetServer.start({ people: 10 })
  await target.serves()
  const before = target.descriptors()
  target.limitDescriptors(descriptorsMax)
  const startedMs = performance.now()
  const crowd = gather(target.url)
  await target.untilDescriptors((open) => open >= descriptorsMax)
  await target.servesThoseWhoAreThere()
  // A new one waits until silent ones are closed, and no longer.
  await using newcomer = await RawSocket.open(target.url)
  await newcomer.write('GET /healthz HTTP/1.1\r\nhost: chat.example.org\r\n\r\n')
  await newcomer.until(() => newcomer.status === 200)
  expect(performance.now() - startedMs).toBeLessThan(roomAgainMsMax + latenessMs)
  target.expectBounded(2)
  await crowd.leave()
  await target.untilDescriptors((open) => open <= before + 10)
  // Who was there before is there still.
  await target.serves()
  await using another = await target.enter(1)
  expect(another.ended).toBe(false)
  expect(target.complaints()).toBe('')
})

test('[F2] a thousand idle connections take little, and give it back', async () => {
  const count = 1_500
  await using target = await TargetServer.start({ people: count })
  // The first ones make the runtime grow, whatever they do.
  const warmUp = await enterAll(target, 300)
  target.beginHere()
  const more = await enterAll(target, count, 300)
  const kib = (target.grownMib() * 1_024) / (count - 300)
  expect(kib).toBeLessThan(idleKibMax)
  for (const socket of [...warmUp, ...more]) await socket[Symbol.asyncDispose]()
  await target.untilDescriptors((open) => open <= 60)
  await target.serves()
  expect(await target.figure('parley_connections')).toBe(1)
})

async function enterAll(target: TargetServer, upTo: number, from = 0): Promise<RawSocket[]> {
  const sockets: RawSocket[] = []
  for (let index = from; index < upTo; index += 50) {
    const some = Array.from({ length: 50 }, (_, each) => target.enter(index + each))
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

test('[F2] five thousand connections that come and go leave nothing behind', async () => {
  await using target = await TargetServer.start({ people: 100 })
  const churn = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      const sockets = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          index % 2 === 0 ? target.enter(index) : RawSocket.upgraded(target.url),
        ),
      )
      for (const socket of sockets) await socket[Symbol.asyncDispose]()
    }
  }
  await churn(10)
  target.beginHere()
  await churn(50)
  await target.untilDescriptors((open) => open <= 60)
  expect(target.grownMib()).toBeLessThan(32)
  expect(await target.figure('parley_connections')).toBe(1)
  await target.serves()
})
