/** The peers of Debian do what a load scenario needs of them; those that are installed. */
import { expect, test } from 'bun:test'
import { Ledger, checked } from '../load/ledger.ts'
import { missingPackages } from './debian.ts'
import type { Peer } from './peer.ts'
import { versusPeers } from './versus-peers.ts'

const startMs = 60_000

/** Sends to somebody who is there and to somebody who comes later; resolves when both have it. */
async function exchange(peer: Peer): Promise<Ledger> {
  const ledger = new Ledger({ expectsConfirmed: true, expectsAccepted: true })
  const done = Promise.withResolvers<void>()
  const end = () => {
    if (ledger.settled) done.resolve()
  }
  const events = checked(ledger, {
    arrived: (session, message) => session.confirm(message),
    confirmed: end,
    accepted: end,
  })
  const logIn = (user: number) => peer.protocol.logIn({ user, hearsAccepted: user === 0 }, events)
  const [anna, ben] = [await logIn(0), await logIn(1)]
  for (const to of [1, 2, 1]) anna.send(to, ledger.send(0, to))
  anna.flush()
  const cleo = await logIn(2)
  await done.promise
  for (const session of [anna, ben, cleo]) session.close()
  return ledger
}

for (const { name, packages, start } of versusPeers.filter((peer) => peer.packages.length > 0)) {
  test.skipIf(missingPackages(packages).length > 0)(
    `${name} brings, keeps and confirms messages`,
    async () => {
      await using peer = await start({
        users: 3,
        durable: true,
        asks: 'each-burst',
        archives: true,
      })
      const ledger = await exchange(peer)
      expect(ledger.reasons).toEqual([])
      expect(ledger.errors).toBe(0)
      expect(ledger.arrived).toBe(3)
      expect(peer.name).toBe(name)
      expect(peer.cpuSeconds()).toBeGreaterThan(0)
      expect(peer.residentKib()).toBeGreaterThan(1024)
    },
    startMs,
  )
}
