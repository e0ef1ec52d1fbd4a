/** E1 on the real server: what people see and what is sent when somebody registers anew. */
import { expect, test } from 'bun:test'
import { startServer } from '@parley/testkit'
import {
  register,
  textsOf,
  timelineOf,
  until,
  untilStatus,
  untilTexts,
} from '../testing/test-people.ts'
import type { Person } from '../testing/test-people.ts'

function noticesOf(person: Person, peer: Person): number {
  const { items } = timelineOf(person.client, peer.account).getSnapshot()
  return items.filter((item) => item.body.kind === 'notice').length
}

test('[E1] for somebody not verified a new root is shown in the chat, and sending goes on', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'before')
  await untilStatus(ana.client, ben.account, 'delivered')
  const number = await ana.client.safetyNumber(ben.account)
  await ben.client[Symbol.asyncDispose]()
  await using anew = await register(server, 'Ben', { phone: ben.phone, recoveryKey: undefined })
  expect(anew.account).toBe(ben.account)
  await ana.client.sendText(ben.account, 'after')
  await untilTexts(anew.client, ana.account, ['after'])
  expect(noticesOf(ana, ben)).toBe(1)
  expect(ana.client.chat(ben.account).getSnapshot().keyChanged).toBe(true)
  expect(await ana.client.safetyNumber(ben.account)).not.toBe(number)
  await ana.client.acceptKey(ben.account)
  expect(ana.client.chat(ben.account).getSnapshot().keyChanged).toBe(false)
  expect(noticesOf(ana, ben)).toBe(1)
})

test('[E1] for somebody verified nothing is sent under a new root before it is accepted', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'before')
  await untilStatus(ana.client, ben.account, 'delivered')
  await ana.client.setVerified(ben.account, true)
  await ben.client[Symbol.asyncDispose]()
  await using anew = await register(server, 'Ben', { phone: ben.phone, recoveryKey: undefined })
  const held = await ana.client.sendText(ben.account, 'secret')
  await until(timelineOf(ana.client, ben.account), (page) =>
    page.items.some((item) => item.id === held && item.failure?.code === 'key-changed'),
  )
  const header = ana.client.chat(ben.account).getSnapshot()
  expect(header).toMatchObject({ keyChanged: true, verified: false })
  await expect(ana.client.retry(held)).rejects.toMatchObject({ problem: { code: 'key-changed' } })
  expect(anew.client.chats().getSnapshot()).toEqual([])
  await ana.client.acceptKey(ben.account)
  await untilTexts(anew.client, ana.account, ['secret'])
})

test('[E1] who registered anew before the first message to them gets it', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ben.client[Symbol.asyncDispose]()
  const { phone, recoveryKey } = ben
  await using again = await register(server, 'Ben', { phone, recoveryKey })
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(again.client, ana.account, ['hello'])
})

test('[E2] both sides see the same safety number', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(ben.client, ana.account, ['hello'])
  const digits = await ana.client.safetyNumber(ben.account)
  expect(digits).toMatch(/^[0-9]{60}$/)
  expect(await ben.client.safetyNumber(ana.account)).toBe(digits)
})

test('[Y32] who registers again with the recovery key is sent what came while the phone was broken', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'had')
  await untilStatus(ana.client, ben.account, 'delivered')
  await ben.client[Symbol.asyncDispose]()
  await ana.client.sendText(ben.account, 'missed one')
  await ana.client.sendText(ben.account, 'missed two')
  const { phone, recoveryKey } = ben
  await using again = await register(server, 'Ben', { phone, recoveryKey })
  const shown = await until(
    timelineOf(again.client, ana.account),
    (page) => textsOf(page.items).join() === 'missed one,missed two',
    20_000,
  )
  expect(shown.items.length).toBe(2)
  expect(noticesOf(ana, ben)).toBe(0)
  await untilStatus(ana.client, ben.account, 'delivered')
}, 40_000)
