/**
 * The whole way of a message on a log that shows appended entries late, as a cluster's does:
 * nothing leans on what such a log does not promise.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { startServer } from '@parley/testkit'
import { numbered, patienceMs, Person } from './sdk-harness.ts'

setDefaultTimeout(2 * patienceMs)

async function twoPeople() {
  const server = await startServer({ log: 'memory-late' })
  const box = { url: server.url, code: (phone: string) => server.codes.get(phone) ?? '' }
  const ada = await Person.register(box, { name: 'Ada' })
  const ben = await Person.register(box, { name: 'Ben' })
  await ada.client.findContact(ben.phone)
  await ben.client.findContact(ada.phone)
  return {
    ...{ server, ada, ben },
    async [Symbol.asyncDispose]() {
      await ada[Symbol.asyncDispose]()
      await ben[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('[I2, I3] on a late log both write at once, and both read it once, in one order, with blue ticks', async () => {
  await using people = await twoPeople()
  const { ada, ben } = people
  const asked = numbered('question', 0, 40)
  const answered = numbered('answer', 0, 40)
  for (const [index, text] of asked.entries()) {
    await ada.send(ben, text)
    await ben.send(ada, answered[index] ?? '')
  }
  await Promise.all([ada.untilTheirs(ben, 40), ben.untilTheirs(ada, 40)])
  await Promise.all([ada.read(ben), ben.read(ada)])
  await Promise.all([ada.untilMine(ben, ['read']), ben.untilMine(ada, ['read'])])
  expect(ben.texts(ada)).toEqual(asked)
  expect(ada.texts(ben)).toEqual(answered)
  expect(ada.texts(ben, 'both')).toEqual(ben.texts(ada, 'both'))
})

test('[I1, I2, I3] on a late log who was away gets 200 messages in order, once, although the server restarts meanwhile', async () => {
  await using people = await twoPeople()
  const { ada, ben, server } = people
  await ben.close()
  const texts = numbered('line', 0, 200)
  for (const text of texts.slice(0, 100)) await ada.send(ben, text)
  await ada.untilItems(ben, (items) => items.some(({ status }) => status === 'accepted'))
  await server.restart()
  for (const text of texts.slice(100)) await ada.send(ben, text)
  await ada.untilMine(ben, ['accepted'])
  await ben.open()
  ben.client.start()
  await ben.untilTheirs(ada, 100)
  await server.restart()
  await ben.untilTheirs(ada, 200)
  await ada.untilMine(ben, ['delivered'])
  await ben.read(ada)
  await ada.untilMine(ben, ['read'])
  expect(ben.texts(ada)).toEqual(texts)
  const events = ben.client.events(1_000)
  expect(events.flatMap((event) => (event.type === 'message' ? [event.text] : []))).toEqual(texts)
})
