/**
 * Receipts as watermarks: coalesced, durable before they are confirmed, never moving back. Rules
 * R1-R6 of docs/spec/receipts.md.
 */
import { describe, expect, test } from 'bun:test'
import { deviceIdOf } from '@parley/wire'
import type { Receipt } from '@parley/wire'
import type { Identity } from '../accounts/ports.ts'
import { LogUnavailable } from '../backends/log/log.ts'
import { GatewayRig, openLateLog } from '../gateway/gateway-rig.contract.ts'
import type { TestClient } from '../gateway/gateway-rig.contract.ts'

/** Two accounts; both devices of the first have written to the second. */
async function pair(rig: GatewayRig) {
  const [alice, tablet] = rig.account(2)
  const bob = rig.account(2)
  const [phone, laptop] = bob
  if (!alice || !tablet || !phone || !laptop) throw new Error('no accounts')
  for (const device of [alice, tablet]) await write(rig, device, phone)
  const sender = await rig.enter(alice)
  return { alice, tablet, phone, laptop, sender, reader: await rig.enter(phone) }
}

async function write(rig: GatewayRig, from: Identity, to: Identity): Promise<void> {
  const client = await rig.enter(from)
  client.send(rig.send(from, to.account))
  await rig.until(() => client.has('accepted'))
}

function receipt(of: Identity, delivered: number, read: number): Receipt {
  return { peer: of.account, peerDevice: of.device, delivered, read }
}

const contents = (client: TestClient) =>
  client.entries().flatMap(({ content }) => (content.kind === 'receipt' ? [content] : []))

describe('receipts', () => {
  test('[R1] a watermark becomes an entry of the sender, and is confirmed when that is durable', async () => {
    await using rig = await GatewayRig.start()
    const { alice, phone, sender, reader } = await pair(rig)
    reader.send({ kind: 'receipt', ...receipt(alice, 30, 20) })
    await rig.until(() => reader.has('receipts') && sender.has('entry'))
    expect(reader.of('receipts')[0]?.confirmed).toEqual([receipt(alice, 30, 20)])
    expect(contents(sender)).toEqual([
      {
        kind: 'receipt',
        reader: phone.account,
        sendingDevice: alice.device,
        delivered: 30,
        read: 20,
      },
    ])
  })

  test('[R2] watermarks that come close together are one entry with the highest marks', async () => {
    await using rig = await GatewayRig.start()
    const { alice, laptop, sender, reader } = await pair(rig)
    const other = await rig.enter(laptop)
    for (let n = 1; n <= 50; n++)
      reader.send({ kind: 'receipt', ...receipt(alice, n, Math.max(0, n - 10)) })
    other.send({ kind: 'receipt', ...receipt(alice, 7, 60) })
    await rig.until(() => reader.has('receipts') && other.has('receipts') && sender.has('entry'))
    await rig.pass(1_000)
    expect(contents(sender)).toMatchObject([{ delivered: 50, read: 60 }])
    expect(reader.of('receipts')).toHaveLength(1)
    expect(other.of('receipts')).toHaveLength(1)
  })

  test('[R2] while many come, they are gathered for longer, and a few are not held up', async () => {
    await using rig = await GatewayRig.start()
    const { reader } = await pair(rig)
    const tellOf = (count: number) => {
      const [stranger] = rig.account()
      if (!stranger) throw new Error('no account')
      for (let delivered = 1; delivered <= count; delivered++) {
        const { account: peer } = stranger
        const peerDevice = deviceIdOf(rig.random.bytes(16))
        reader.send({ kind: 'receipt', peer, peerDevice, delivered, read: 0 })
      }
    }
    const confirmed = () => reader.of('receipts').map((frame) => frame.confirmed.length)
    tellOf(3)
    await rig.pass(10)
    expect(confirmed()).toEqual([3])
    tellOf(100)
    await rig.pass(10)
    tellOf(20)
    expect(confirmed()).toEqual([3])
    await rig.pass(20)
    expect(confirmed()).toEqual([3, 120])
  })

  // Under load each wave came while the one before was being written, and waited a second.
  test('[R2] what comes while others are being written does not wait for the next retry', async () => {
    await using rig = await GatewayRig.start()
    const { alice, sender, reader } = await pair(rig)
    const { append } = rig.log
    rig.log.append = async (log, entry) => {
      await new Promise<void>((resolve) => rig.clock.after(30, resolve))
      return append.call(rig.log, log, entry)
    }
    reader.send({ kind: 'receipt', ...receipt(alice, 1, 0) })
    await rig.pass(35)
    reader.send({ kind: 'receipt', ...receipt(alice, 2, 0) })
    await rig.pass(200)
    expect(contents(sender)).toMatchObject([{ delivered: 1 }, { delivered: 2 }])
  })

  test('[R3] a watermark never moves back', async () => {
    await using rig = await GatewayRig.start()
    const { alice, sender, reader } = await pair(rig)
    for (const [delivered, read] of [
      [30, 0],
      [10, 10],
      [40, 5],
    ] as const) {
      reader.send({ kind: 'receipt', ...receipt(alice, delivered, read) })
      await rig.pass(1_000)
    }
    expect(contents(sender)).toMatchObject([
      { delivered: 30, read: 0 },
      { delivered: 30, read: 10 },
      { delivered: 40, read: 10 },
    ])
  })

  test('[R4] a repeated watermark is confirmed without another entry', async () => {
    await using rig = await GatewayRig.start()
    const { alice, sender, reader } = await pair(rig)
    for (let n = 0; n < 3; n++) {
      reader.send({ kind: 'receipt', ...receipt(alice, 30, 30) })
      await rig.pass(1_000)
    }
    expect(reader.of('receipts')).toHaveLength(3)
    expect(contents(sender)).toHaveLength(1)
  })

  test('[R5] what could not be written is written later, and confirmed only then', async () => {
    let full = false
    await using rig = await GatewayRig.start({
      openLog: async (opened) => {
        const log = await openLateLog(opened)
        const append = log.append.bind(log)
        log.append = (id, entry) =>
          full ? Promise.reject(new LogUnavailable('full', 'full')) : append(id, entry)
        return log
      },
    })
    const { alice, sender, reader } = await pair(rig)
    full = true
    reader.send({ kind: 'receipt', ...receipt(alice, 5, 0) })
    await rig.pass(3_000)
    expect(reader.has('receipts')).toBe(false)
    full = false
    reader.send({ kind: 'receipt', ...receipt(alice, 6, 0) })
    await rig.until(() => reader.has('receipts') && sender.has('entry'))
    expect(contents(sender)).toMatchObject([{ delivered: 6, read: 0 }])
  })

  test('[R6] a watermark for nobody is confirmed, so that it stops, and written nowhere', async () => {
    await using rig = await GatewayRig.start()
    const { phone, reader } = await pair(rig)
    const [nobody] = rig.account()
    if (!nobody) throw new Error('no account')
    await write(rig, nobody, phone)
    rig.lists.delete(nobody.account)
    reader.send({ kind: 'receipt', ...receipt(nobody, 1, 1) })
    await rig.until(() => reader.has('receipts'))
    expect(await rig.log.heads([`inbox:${nobody.account}` as never])).toEqual([0])
  })

  // Anybody could fill anybody's inbox, four thousand entries a second.
  test('[R7] a watermark for a device that never wrote to the reader is written nowhere', async () => {
    await using rig = await GatewayRig.start()
    const { alice, sender, phone } = await pair(rig)
    const [mallory] = rig.account()
    if (!mallory) throw new Error('no account')
    const attacker = await rig.enter(mallory)
    for (let n = 1; n <= 20; n++) {
      for (const device of [alice.device, phone.device, mallory.device]) {
        attacker.send({ kind: 'receipt', ...receipt({ ...alice, device }, n, n) })
      }
      await rig.pass(200)
    }
    expect(attacker.has('receipts')).toBe(true)
    expect(contents(sender)).toEqual([])
  })

  test('[R7] asking which marks the server knows writes nothing', async () => {
    await using rig = await GatewayRig.start()
    const { alice, sender, reader } = await pair(rig)
    reader.send({ kind: 'receipt', ...receipt(alice, 0, 0) })
    await rig.until(() => reader.has('receipts'))
    await rig.pass(1_000)
    expect(contents(sender)).toEqual([])
  })

  test('[R1] receipts of two readers and of two sending devices do not mix', async () => {
    await using rig = await GatewayRig.start()
    const { alice, tablet, phone, sender, reader } = await pair(rig)
    const [carol] = rig.account()
    if (!carol) throw new Error('no account')
    sender.send(rig.send(alice, carol.account))
    await rig.until(() => sender.has('accepted'))
    const carols = await rig.enter(carol)
    reader.send({ kind: 'receipt', ...receipt(alice, 1, 0) })
    reader.send({ kind: 'receipt', ...receipt(tablet, 2, 0) })
    carols.send({ kind: 'receipt', ...receipt(alice, 3, 0) })
    await rig.until(() => contents(sender).length === 3)
    expect(contents(sender)).toMatchObject([
      { reader: phone.account, sendingDevice: alice.device, delivered: 1 },
      { reader: phone.account, sendingDevice: tablet.device, delivered: 2 },
      { reader: carol.account, sendingDevice: alice.device, delivered: 3 },
    ])
  })
})
