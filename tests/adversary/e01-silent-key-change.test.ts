/**
 * E1: a server puts a root key of its own in the place of a known person's, and writes in their
 * name.
 */
import { expect, test } from 'bun:test'
import {
  register,
  textsOf,
  timelineOf,
  until,
  untilStatus,
} from '../../packages/sdk/src/testing/test-people.ts'
import type { Person } from '../../packages/sdk/src/testing/test-people.ts'
import { HostilePeer } from './hostile-peer.ts'
import { setAcquaintedStage } from './stage.ts'
import type { Stage } from './stage.ts'

/** Whoever holds the number's registration at the server can do this: the server, for one. */
async function impostorOf({ server, ana }: Stage): Promise<Person> {
  const again = { phone: ana.phone, recoveryKey: undefined }
  return register(server, 'Ana', again)
}

function kindsOf(person: Person, peer: Person): string[] {
  const { items } = timelineOf(person.client, peer.account).getSnapshot()
  return items.map(({ body }) => (body.kind === 'text' ? body.text : body.kind))
}

test('[E1] to somebody verified nothing at all goes out by itself: no message, no control, no answer', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  await ben.client.setVerified(ana.account, true)
  await using impostor = await impostorOf(stage)
  await using peer = await HostilePeer.of(impostor, stage.server.url)
  // Bytes that nobody can open make an honest client ask for the message again.
  await peer.write(ben.account, { spoil: (ciphertext) => ciphertext.fill(0, 40, 60) })
  await peer.write(ben.account, { text: 'it is me' })
  await until(timelineOf(ben.client, ana.account), ({ items }) =>
    textsOf(items).includes('it is me'),
  )
  const id = await ben.client.sendText(ana.account, 'secret')
  await until(timelineOf(ben.client, ana.account), ({ items }) =>
    items.some((item) => item.id === id && item.failure?.code === 'key-changed'),
  )
  expect(evil.sends.filter(({ sequence }) => sequence > 0)).toHaveLength(1)
  const header = ben.client.chat(ana.account).getSnapshot()
  expect(header).toMatchObject({ keyChanged: true, verified: false })
  await ben.client.acceptKey(ana.account)
  await untilStatus(ben.client, ana.account, 'delivered')
  expect(evil.sends.length).toBeGreaterThan(1)
})

test('[E1] whatever time the new key writes on its messages, they stand below the notice', async () => {
  await using stage = await setAcquaintedStage()
  const { ana, ben } = stage
  await ben.client.setVerified(ana.account, true)
  await using impostor = await impostorOf(stage)
  await using peer = await HostilePeer.of(impostor, stage.server.url)
  const [first] = timelineOf(ben.client, ana.account).getSnapshot().items
  const longAgo = (first?.stamp ?? 0) - 60_000
  await peer.write(ben.account, { text: 'one', stamp: longAgo })
  await peer.write(ben.account, { text: 'two', stamp: longAgo - 1 })
  await until(timelineOf(ben.client, ana.account), ({ items }) => items.length === 5)
  expect(kindsOf(ben, ana)).toEqual(['hello', 'hello yourself', 'notice', 'one', 'two'])
  expect(ben.client.chats().getSnapshot()[0]).toMatchObject({ preview: 'two' })
})

test('[E1] the notice outlasts acceptance, and a server that changes the key back', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  await ben.client.setVerified(ana.account, true)
  await using impostor = await impostorOf(stage)
  await using peer = await HostilePeer.of(impostor, stage.server.url)
  await peer.write(ben.account, { text: 'it is me' })
  await until(ben.client.chat(ana.account), ({ keyChanged }) => keyChanged)
  const known = 'SELECT body, signer, signature FROM device_lists WHERE account = ?'
  const genuine = ana.database.query(known).all(ana.account)
  const lists = (genuine as Record<string, Uint8Array>[]).map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64url')]),
    ),
  )
  evil.alterAnswer = ({ path, body }) =>
    path.includes(`/accounts/${ana.account}/devices`) ? { device_lists: lists } : body
  await evil.deliver({ ...peer.head(), senderDevice: peer.strangeDevice, envelope: undefined })
  await until(
    timelineOf(ben.client, ana.account),
    ({ items }) => items.filter(({ body }) => body.kind === 'notice').length === 2,
  )
  const header = ben.client.chat(ana.account).getSnapshot()
  expect(header).toMatchObject({ keyChanged: true, verified: false })
  const id = await ben.client.sendText(ana.account, 'secret')
  await until(timelineOf(ben.client, ana.account), ({ items }) =>
    items.some((item) => item.id === id && item.failure?.code === 'key-changed'),
  )
})
