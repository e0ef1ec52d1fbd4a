/** One person in a browser and one on the command line: they find each other by number and by link, chat both ways, and see each other's ticks. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { Person as Terminal } from '../e2e/cli-harness.ts'
import type { Line } from '../e2e/cli-harness.ts'
import { AppRig } from './app-rig.ts'
import type { Person } from './person.ts'

const setUpMs = 180_000
setDefaultTimeout(180_000)

let rig: AppRig
let ada: Person
/** On the command line. */
let ben: Terminal

beforeAll(async () => {
  rig = await AppRig.open()
  ada = await rig.person('Ada')
  ben = await Terminal.registered(rig.server, 'Ben')
}, setUpMs)

afterAll(async () => {
  await ben[Symbol.asyncDispose]()
  await rig[Symbol.asyncDispose]()
}, setUpMs)

const texts = (lines: Line[]) =>
  lines.filter((line) => line['type'] === 'message').map((line) => line['text'])

test('a message from the browser is heard on the command line, and its ticks go from sent to delivered to read', async () => {
  await ada.startChat(ben.phone)
  await ada.send('from the browser')
  await ada.seesTick('from the browser', 'Sent')
  const heard = await ben.run(['listen', '--count', '1', '--timeout', '50'])
  expect(heard.lines[0]).toMatchObject({ from: ada.phone, text: 'from the browser' })
  await ada.seesTick('from the browser', 'Delivered')
  await ada.send('to be read 🙂')
  const read = await ben.run(['listen', '--read', '--count', '1', '--timeout', '50'])
  expect(texts(read.lines)).toEqual(['to be read 🙂'])
  await ada.seesTick('to be read 🙂', 'Read')
  await ada.seesTick('from the browser', 'Read')
})

test('a message from the command line shows in the open chat, and is read there', async () => {
  const sent = await ben.run(['send', ada.phone, 'مرحبا من الطرفية', '--wait', 'read'])
  expect([sent.status, sent.lines[0]?.['status']]).toEqual([0, 'read'])
  await ada.sees('مرحبا من الطرفية')
  await ada.page.getByRole('heading', { name: 'Ben' }).first().waitFor()
})

test('a batch of 30 lines and what is written meanwhile arrive in order, once, on both sides', async () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}.`)
  const replies = Array.from({ length: 10 }, (_, index) => `reply ${index}.`)
  const batch = ben.run(['send', ada.phone, '--batch'], { stdin: lines.join('\n') })
  for (const reply of replies) await ada.send(reply)
  const sent = await batch
  expect(sent.lines.map((line) => line['status'])).toEqual(lines.map(() => 'accepted'))
  // Stopped at once, it would leave the read mark to the next run.
  const events = await listenUntil(ben, 'reply 9.', () => ada.seesTick('reply 9.', 'Read'))
  const heard = texts(events).map(String)
  expect(heard.filter((text) => text.startsWith('reply'))).toEqual(replies)
  await ada.sees('line 29.')
  expect(await ada.texts(/line \d+\./)).toEqual(lines)
})

test('a chat starts by link: the browser opens it, the command line takes it as a name', async () => {
  await using eve = await Terminal.registered(rig.server, 'Eve')
  await ada.page.goto(`${ada.line.url}/c/${eve.account}`)
  await ada.composer().waitFor()
  await ada.send('found you by your link')
  await ada.seesTick('found you by your link', 'Sent')
  const heard = await eve.run(['listen', '--count', '1', '--timeout', '50'])
  expect(heard.lines[0]).toMatchObject({ from: ada.phone, text: 'found you by your link' })
  const link = `${rig.server.url}/c/${ben.account}`
  const added = await eve.run(['contacts', 'add', link])
  expect(added.lines[0]).toMatchObject({ account: ben.account })
  expect((await eve.run(['send', link, 'by link as well'])).status).toBe(0)
  const events = await listenUntil(ben, 'by link as well', async () => {})
  expect(events.at(-1)).toMatchObject({ conversation: eve.account, text: 'by link as well' })
})

test('no page threw an error', () => {
  expect(rig.pageErrors).toEqual([])
})

/** Receipts may come before and between. */
async function listenUntil(
  terminal: Terminal,
  text: string,
  beforeItStops: () => Promise<void>,
): Promise<Line[]> {
  const listening = terminal.start(['listen', '--read'])
  for (let count = 1; !texts(listening.lines()).includes(text); count++) {
    await listening.untilLines(count)
  }
  await beforeItStops()
  listening.kill('SIGTERM')
  return (await listening.finished).lines
}
