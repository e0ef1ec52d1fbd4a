/** Online, last seen and typing, over real connections. Rules W40-W44 of docs/spec/wire.md. */
import { describe, expect, test } from 'bun:test'
import { accountIdFromRandom, closeReasons, presenceSubscriptionsMax } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import { pino } from 'pino'
import { GatewayRig } from '../gateway/gateway-rig.contract.ts'
import { openPresence, savedAtOnceMax } from './presence.ts'

async function pair(rig: GatewayRig) {
  const [alice] = rig.account()
  const [phone, laptop] = rig.account(2)
  if (!alice || !phone || !laptop) throw new Error('no accounts')
  return { alice, phone, laptop, watcher: await rig.enter(alice) }
}

describe('presence', () => {
  test('[W40] a subscriber hears the present state, then each change, offline at once', async () => {
    await using rig = await GatewayRig.start()
    const { phone, watcher } = await pair(rig)
    rig.lastSeen.set(phone.account, 1_234)
    watcher.send({ kind: 'subscribe', accounts: [phone.account] })
    await rig.pass(10)
    const client = await rig.enter(phone)
    await rig.pass(10)
    client.leave()
    const leftMs = rig.clock.now()
    await rig.pass(10)
    const news = watcher.of('presence')
    expect(news.map(({ online }) => online)).toEqual([false, true, false])
    expect(news[0]).toMatchObject({ account: phone.account, lastSeen: 1_234 })
    expect(news[2]?.lastSeen).toBe(leftMs)
  })

  test('[W40] an account is online as long as one of its devices is connected', async () => {
    await using rig = await GatewayRig.start()
    const { phone, laptop, watcher } = await pair(rig)
    const one = await rig.enter(phone)
    const other = await rig.enter(laptop)
    watcher.send({ kind: 'subscribe', accounts: [phone.account] })
    await rig.pass(10)
    one.leave()
    await rig.pass(10)
    expect(watcher.of('presence').map(({ online }) => online)).toEqual([true])
    other.leave()
    await rig.pass(10)
    expect(watcher.of('presence').map(({ online }) => online)).toEqual([true, false])
  })

  test('[W40] a device that is replaced by its own newer connection stays online', async () => {
    await using rig = await GatewayRig.start()
    const { phone, watcher } = await pair(rig)
    await rig.enter(phone)
    await rig.enter(phone)
    watcher.send({ kind: 'subscribe', accounts: [phone.account] })
    await rig.pass(10)
    expect(watcher.of('presence').map(({ online }) => online)).toEqual([true])
  })

  test('[W41] when somebody was last seen is stored', async () => {
    await using rig = await GatewayRig.start()
    const { phone } = await pair(rig)
    const client = await rig.enter(phone)
    client.leave()
    const leftMs = rig.clock.now()
    await rig.pass(6_000)
    expect(rig.lastSeen.get(phone.account)).toBe(leftMs)
  })

  test('[W41] thousands who leave at once are stored in bounded steps', async () => {
    await using rig = await GatewayRig.start()
    const stored: number[] = []
    const presence = openPresence({
      bus: rig.bus,
      clock: rig.clock,
      logger: pino({ level: 'silent' }),
      async saveLastSeen({ size }) {
        stored.push(size)
      },
      loadLastSeen: async () => 0,
    })
    const leave = (count: number) => {
      for (let left = 0; left < count; left++) {
        const account = accountIdFromRandom(rig.random.bytes(16))
        presence.arrived(account)
        presence.left(account)
      }
    }
    leave(2 * savedAtOnceMax + 1)
    await rig.pass(6_000)
    expect(stored).toEqual([savedAtOnceMax, savedAtOnceMax, 1])
    leave(savedAtOnceMax + 1)
    await presence.close()
    expect(stored.slice(3)).toEqual([savedAtOnceMax, 1])
  })

  test('[W42] Subscribe replaces the set; what is no longer in it is no longer told', async () => {
    await using rig = await GatewayRig.start()
    const { phone, watcher } = await pair(rig)
    const [carol] = rig.account()
    if (!carol) throw new Error('no account')
    watcher.send({ kind: 'subscribe', accounts: [phone.account] })
    watcher.send({ kind: 'subscribe', accounts: [carol.account] })
    await rig.pass(10)
    watcher.frames.length = 0
    const client = await rig.enter(phone)
    await rig.enter(carol)
    client.leave()
    await rig.pass(10)
    expect(watcher.of('presence').map(({ account }) => account)).toEqual([carol.account])
    watcher.send({ kind: 'subscribe', accounts: [] })
    watcher.frames.length = 0
    await rig.enter(carol)
    expect(watcher.frames).toEqual([])
  })

  test('[W42] a set over the limit closes the connection', async () => {
    await using rig = await GatewayRig.start()
    const { watcher } = await pair(rig)
    const accounts: AccountId[] = []
    for (let n = 0; n <= presenceSubscriptionsMax; n++) {
      accounts.push(...rig.account().map(({ account }) => account))
    }
    watcher.send({ kind: 'subscribe', accounts: accounts.slice(1) })
    await rig.pass(10)
    expect(watcher.closedWith).toBeUndefined()
    watcher.send({ kind: 'subscribe', accounts })
    await rig.pass(10)
    expect(watcher.closedWith).toBe(closeReasons.badFrame.code)
  })

  // Each account that is new to the set is a read of the accounts: one connection could keep the
  // server busy with sets that change all the time.
  test('[W42] sets that change all the time close the connection, and opening many chats does not', async () => {
    await using rig = await GatewayRig.start()
    const { alice, watcher } = await pair(rig)
    const accounts = Array.from({ length: 512 }, () => rig.account()[0]?.account ?? alice.account)
    for (const account of accounts.slice(0, 200)) {
      watcher.send({ kind: 'subscribe', accounts: [account] })
      await rig.pass(150)
    }
    expect(watcher.closedWith).toBeUndefined()
    for (let from = 0; from < accounts.length; from += presenceSubscriptionsMax) {
      const set = accounts.slice(from, from + presenceSubscriptionsMax)
      watcher.send({ kind: 'subscribe', accounts: set })
    }
    await rig.pass(10)
    expect(watcher.closedWith).toBe(closeReasons.overloaded.code)
  })

  test('[W43] typing reaches the devices of the peer and nobody else', async () => {
    await using rig = await GatewayRig.start()
    const { alice, phone, laptop, watcher } = await pair(rig)
    const peers = [await rig.enter(phone), await rig.enter(laptop)]
    const [carol] = rig.account()
    if (!carol) throw new Error('no account')
    const stranger = await rig.enter(carol)
    watcher.send({ kind: 'typing', peer: phone.account, active: true })
    watcher.send({ kind: 'typing', peer: phone.account, active: false })
    await rig.pass(10)
    for (const peer of peers) {
      expect(peer.of('typing')).toEqual([
        { kind: 'typing', peer: alice.account, active: true },
        { kind: 'typing', peer: alice.account, active: false },
      ])
    }
    expect(stranger.has('typing')).toBe(false)
    expect(watcher.has('typing')).toBe(false)
  })

  test('[W44] typing that comes too often is dropped, and the connection stays', async () => {
    await using rig = await GatewayRig.start()
    const { phone, watcher } = await pair(rig)
    const peer = await rig.enter(phone)
    for (let n = 0; n < 100; n++)
      watcher.send({ kind: 'typing', peer: phone.account, active: true })
    await rig.pass(10)
    expect(peer.of('typing').length).toBeLessThan(10)
    expect(watcher.closedWith).toBeUndefined()
    await rig.pass(5_000)
    watcher.send({ kind: 'typing', peer: phone.account, active: false })
    await rig.pass(10)
    expect(peer.of('typing').at(-1)?.active).toBe(false)
  })
})
