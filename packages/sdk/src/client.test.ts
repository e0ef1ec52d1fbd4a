/** Two people on the real server: the path of a message from end to end. */
import { expect, test } from 'bun:test'
import { startServer } from '@parley/testkit'
import { register, timelineOf, until, untilStatus, untilTexts } from './test-people.ts'

test('[Y2] a message goes from clock to one tick, two ticks and blue, and is answered', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  const contact = await ana.client.findContact(ben.phone)
  expect(contact.account).toBe(ben.account)
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(ben.client, ana.account, ['hello'])
  await untilStatus(ana.client, ben.account, 'delivered')
  const [item] = timelineOf(ben.client, ana.account).getSnapshot().items
  if (!item) throw new Error('nothing came')
  await ben.client.markRead(ana.account, item)
  await untilStatus(ana.client, ben.account, 'read')
  await ben.client.sendText(ana.account, 'hi')
  await untilTexts(ana.client, ben.account, ['hello', 'hi'])
  await untilStatus(ben.client, ana.account, 'delivered')
  const [chat] = await until(ana.client.chats(), (chats) => chats[0]?.unread === 1)
  expect(chat).toMatchObject({ title: 'Ben', preview: 'hi', previewMine: false })
})
