/** Names, numbers, presence, typing and events between real clients. */
import { expect, test } from 'bun:test'
import { startServer } from '@parley/testkit'
import { register, timelineOf, until, untilStatus, untilTexts } from './testing/test-people.ts'

test('[Y24] name and number go with the first messages, the number is shown once it is confirmed', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(ben.client, ana.account, ['hello'])
  const chat = ben.client.chat(ana.account)
  await until(chat, ({ phone }) => phone === ana.phone)
  expect(chat.getSnapshot().title).toBe('Ana')
  ben.client.setContactName(ana.account, 'Ana from work')
  expect(chat.getSnapshot().title).toBe('Ana from work')
  await untilStatus(ana.client, ben.account, 'delivered')
  const seen = () => ana.database.query('SELECT profile_seen FROM contacts').get()
  expect(seen()).toEqual({ profile_seen: 1 })
}, 20_000)

test('events come in order, with receipts that name the newest message, until they are done', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'one')
  const two = await ana.client.sendText(ben.account, 'two')
  await untilTexts(ben.client, ana.account, ['one', 'two'])
  await untilStatus(ana.client, ben.account, 'delivered')
  const last = timelineOf(ben.client, ana.account).getSnapshot().items.at(-1)
  if (!last) throw new Error('nothing came')
  await ben.client.markRead(ana.account, last)
  await untilStatus(ana.client, ben.account, 'read')
  const receipts = ana.client.events(100)
  expect(receipts.at(-1)).toMatchObject({
    type: 'receipt',
    from: ben.phone,
    status: 'read',
    upTo: two,
  })
  const messages = ben.client.events(100)
  expect(messages).toMatchObject([
    { type: 'message', text: 'one', conversation: ana.account },
    { type: 'message', text: 'two', conversation: ana.account },
  ])
  const [first] = messages
  ben.client.eventsDone(first?.number ?? 0)
  expect(ben.client.events(100)).toMatchObject([{ text: 'two' }])
})

test('who is watched is seen coming and going, and typing shows and ends', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(ben.client, ana.account, ['hello'])
  const chat = ana.client.chat(ben.account)
  ana.client.watchPresence(ben.account)
  await until(chat, ({ online }) => online === true)
  ben.client.setTyping(ana.account, true)
  await until(chat, ({ typing }) => typing)
  await ben.client.sendText(ana.account, 'hi')
  await until(chat, ({ typing }) => !typing)
  await ben.client.stop()
  const gone = await until(chat, ({ online }) => online === false, 20_000)
  expect(gone.lastSeen).toBeGreaterThan(0)
}, 30_000)

test('a draft is kept and sending does not touch it', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  ana.client.setDraft(ben.account, 'dear Ben')
  await ana.client.sendText(ben.account, 'hello')
  expect(ana.client.chats().getSnapshot()[0]).toMatchObject({ draft: 'dear Ben', preview: 'hello' })
})

test('doctor says what is well', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await until(ana.client.connection, ({ status }) => status === 'online')
  const lines = await ana.client.diagnose()
  expect(lines.filter((line) => !line.ok)).toEqual([])
  expect(lines.map((line) => line.check)).toContain('server')
  const { says } = (await ana.client.diagnose())[1] ?? { says: '' }
  expect(says).toContain(ana.phone)
})
