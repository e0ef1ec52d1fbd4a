/**
 * Two programs on the SDK against the real server process: power cuts in the middle of bursts,
 * registering again, a restored profile, a device that lost its place, and what is refused.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, rmSync } from 'node:fs'
import { startServer } from '@parley/testkit'
import { systemClock } from '../../packages/sdk/src/index.bun.ts'
import { numbered, patienceMs, Person, ServerProcess } from './sdk-harness.ts'

setDefaultTimeout(3 * patienceMs)

const delivered = ['delivered', 'read'] as const
const problem = (code: string) => ({ problem: { code, says: expect.stringMatching(/\.$/) } })

let server: ServerProcess
beforeAll(async () => {
  server = await ServerProcess.start()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** Who know each other, and have written to each other once. */
async function friends() {
  const ada = await Person.register(server, { name: 'Ada' })
  const ben = await Person.register(server, { name: 'Ben' })
  await ada.client.findContact(ben.phone)
  await ada.send(ben, 'hello')
  await ben.untilTheirs(ada, 1)
  await ben.send(ada, 'hello too')
  await ada.untilTheirs(ben, 1)
  await Promise.all([ada.untilMine(ben, delivered), ben.untilMine(ada, delivered)])
  return {
    ...{ ada, ben },
    async [Symbol.asyncDispose]() {
      await ada[Symbol.asyncDispose]()
      await ben[Symbol.asyncDispose]()
    },
  }
}

test('[I1, I2, I3, I4] a server killed in the middle of four bursts loses nothing, repeats nothing, keeps the order', async () => {
  await using people = await friends()
  const { ada, ben } = people
  const burst = 30
  for (let round = 0; round < 4; round++) {
    const from = round * burst
    for (const text of numbered('line', from, from + burst)) await ada.send(ben, text)
    for (const text of numbered('answer', from, from + burst)) await ben.send(ada, text)
    // Some of it is accepted, some is on its way, some was not sent yet.
    await ada.untilItems(ben, (items) => {
      const accepted = items.filter(({ mine, status }) => mine && status !== 'pending')
      return accepted.length > 1 + from
    })
    await server.kill()
    await ada.send(ben, `in the dark ${round}`)
    await server.startAgain()
  }
  await Promise.all([ada.untilMine(ben, delivered), ben.untilMine(ada, delivered)])
  const lines = [0, 1, 2, 3].flatMap((round) => [
    ...numbered('line', round * burst, (round + 1) * burst),
    `in the dark ${round}`,
  ])
  expect(ben.texts(ada)).toEqual(['hello', ...lines])
  expect(ada.texts(ben)).toEqual(['hello too', ...numbered('answer', 0, 4 * burst)])
  expect(ada.texts(ben, 'both')).toEqual(ben.texts(ada, 'both'))
  const events = ben.client.events(1_000)
  const heard = events.flatMap((event) => (event.type === 'message' ? [event.text] : []))
  expect(heard).toEqual(['hello', ...lines])
})

test('[E1] who registers again without the recovery key is announced; a verified contact is sent nothing until the key is accepted', async () => {
  await using people = await friends()
  const { ada, ben } = people
  await ada.client.setVerified(ben.account, true)
  const before = await ada.client.safetyNumber(ben.account)
  await using anew = await Person.register(server, { name: 'Ben', phone: ben.phone })
  expect(anew.account).toBe(ben.account)
  await ben.until(ben.client.account, ({ kind }) => kind === 'revoked')
  const held = await ada.send(anew, 'only for Ben')
  await ada.untilItems(ben, (items) => items.some((item) => item.failure?.code === 'key-changed'))
  expect(ada.client.message(held)).toMatchObject({ status: 'failed' })
  const notices = ada.items(ben).filter(({ body }) => body.kind === 'notice')
  expect(notices.map(({ body }) => body)).toEqual([{ kind: 'notice', notice: 'key-changed' }])
  expect(ada.client.chat(ben.account).getSnapshot()).toMatchObject({
    keyChanged: true,
    verified: false,
  })
  expect(await ada.client.safetyNumber(ben.account)).not.toBe(before)
  await expect(ada.client.retry(held)).rejects.toMatchObject(problem('key-changed'))
  await anew.untilConnected()
  expect(anew.texts(ada)).toEqual([])
  await ada.client.acceptKey(ben.account)
  await anew.untilTheirs(ada, 1)
  expect(anew.texts(ada)).toEqual(['only for Ben'])
  await anew.send(ada, 'it is me')
  await ada.untilTheirs(ben, 2)
  expect(ada.texts(ben)).toEqual(['hello too', 'it is me'])
})

test('[E23, Y40, I2] a profile folder that was restored is linked anew, loses nothing unsent and repeats nothing', async () => {
  await using people = await friends()
  const { ada, ben } = people
  await ada.close()
  await ada.open()
  await ada.send(ben, 'written before the copy')
  await ada.close()
  const copy = `${ada.folder}-copy`
  cpSync(ada.folder, copy, { recursive: true })
  await ada.open()
  ada.client.start()
  await ada.send(ben, 'written after the copy')
  await ben.untilTheirs(ada, 3)
  await ben.send(ada, 'to the device that will be gone')
  await ada.untilTheirs(ben, 2)
  await ada.untilMine(ben, delivered)
  const used = ada.client.account.getSnapshot()
  await ada.close()

  rmSync(ada.folder, { recursive: true })
  cpSync(copy, ada.folder, { recursive: true })
  rmSync(copy, { recursive: true })
  await ada.open()
  await ada.send(ben, 'written on the restored profile')
  ada.client.start()
  await ben.untilTheirs(ada, 4)
  expect(ben.texts(ada)).toEqual([
    'hello',
    'written before the copy',
    'written after the copy',
    'written on the restored profile',
  ])
  const linked = ada.client.account.getSnapshot()
  if (linked.kind !== 'registered' || used.kind !== 'registered') throw new Error(linked.kind)
  expect(linked.account).toBe(used.account)
  expect(linked.device).not.toBe(used.device)
  await ben.send(ada, 'to the new device')
  await ada.untilTheirs(ben, 3)
  expect(ada.texts(ben)).toEqual([
    'hello too',
    'to the device that will be gone',
    'to the new device',
  ])
  await Promise.all([ada.untilMine(ben, delivered), ben.untilMine(ada, delivered)])
})

test('[Y41] a device that lost its place says so, keeps what was not sent, and sends it once registered again', async () => {
  await using people = await friends()
  const { ada, ben } = people
  await ada.close()
  await ada.open()
  await ada.send(ben, 'not sent yet')
  const { phone, recoveryKey } = ada
  await using elsewhere = await Person.register(server, { name: 'Ada', phone, recoveryKey })
  expect(elsewhere.account).toBe(ada.account)
  ada.client.start()
  await ada.until(ada.client.account, ({ kind }) => kind === 'revoked')
  expect(ada.client.connection.getSnapshot()).toMatchObject({
    status: 'stopped',
    ...problem('revoked'),
  })
  expect(ada.texts(ben, 'both')).toEqual(['hello', 'hello too', 'not sent yet'])
  await expect(ada.send(ben, 'more')).rejects.toMatchObject(problem('revoked'))
  await ada.registerAgain(server, { name: 'Ada', recoveryKey })
  await ben.untilTheirs(ada, 2)
  expect(ben.texts(ada)).toEqual(['hello', 'not sent yet'])
  await ada.untilMine(ben, delivered)
})

test('an unknown recipient, an empty text and one byte too many are refused in sentences, and nothing is stored', async () => {
  await using people = await friends()
  const { ada, ben } = people
  const unknown = ada.client.findContact('+4915999999998')
  await expect(unknown).rejects.toMatchObject(problem('unknown-recipient'))
  const nobody = ada.client.findContact(`${server.url}/c/00000000-0000-4000-8000-000000000000`)
  await expect(nobody).rejects.toMatchObject(problem('unknown-recipient'))
  await expect(ada.send(ben, '')).rejects.toMatchObject(problem('empty'))
  await expect(ada.send(ben, 'ä'.repeat(32_769))).rejects.toMatchObject(problem('too-long'))
  expect(ada.texts(ben, 'both')).toEqual(['hello', 'hello too'])
  const largest = 'ä'.repeat(32_768)
  await ada.send(ben, largest)
  await ben.untilTheirs(ada, 2)
  expect(ben.texts(ada)).toEqual(['hello', largest])
})

test('a login that ran out while nobody was looking is renewed without a word; a clock far off is said and holds nothing up', async () => {
  let aheadMs = 0
  const clock = { now: () => systemClock.now() + aheadMs, after: systemClock.after }
  await using box = await startServer({ clock })
  const code = (phone: string) => box.codes.get(phone) ?? ''
  await using ada = await Person.register({ url: box.url, code }, { name: 'Ada' })
  await using ben = await Person.register({ url: box.url, code }, { name: 'Ben' })
  await ada.client.findContact(ben.phone)
  const minutesMs = 60_000
  const daysMs = 24 * 60 * minutesMs
  const texts: string[] = []
  for (const awayMs of [0, 16 * minutesMs, 100 * daysMs]) {
    await Promise.all([ada.close(), ben.close()])
    aheadMs += awayMs
    await Promise.all([ada.open(), ben.open()])
    texts.push(`after ${awayMs} ms`)
    await ada.send(ben, texts.at(-1) ?? '')
    ada.client.start()
    ben.client.start()
    await ben.untilTheirs(ada, texts.length)
    await ada.untilMine(ben, delivered)
    const off = ada.client.connection.getSnapshot().problem
    if (awayMs === 0) expect(off).toBeUndefined()
    else expect({ problem: off }).toMatchObject(problem('clock-off'))
  }
  expect(ben.texts(ada)).toEqual(texts)
})
