/** What goes wrong in the browser: each has a sentence that says what to do, and what was written stays. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { resolve } from 'node:path'
import { startServer } from '@parley/testkit'
import type { BrowserContext, Page } from 'playwright-core'
import { systemClock } from '../../packages/sdk/src/index.bun.ts'
import { Person as Elsewhere } from '../e2e/sdk-harness.ts'
import { AppRig } from './app-rig.ts'
import { Line } from './line.ts'
import { Person } from './person.ts'

const setUpMs = 180_000
setDefaultTimeout(180_000)
const textBytesMax = 65_536
const hourMs = 3_600_000
/** Built when the rig's server starts. */
const webFolder = resolve(import.meta.dir, '../../apps/web/dist')

let rig: AppRig
const opened: (AsyncDisposable | Disposable | BrowserContext)[] = []

beforeAll(async () => {
  rig = await AppRig.open()
}, setUpMs)

afterEach(async () => {
  for (const each of opened.splice(0)) {
    if ('close' in each) await each.close()
    else if (Symbol.asyncDispose in each) await each[Symbol.asyncDispose]()
    else each[Symbol.dispose]()
  }
}, setUpMs)

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
}, setUpMs)

/** A browser that has never been here, with a line of its own. */
async function newcomer(): Promise<{ page: Page; line: Line }> {
  const line = new Line(rig.server.url)
  const context = await rig.context()
  opened.push(context, line)
  const page = await context.newPage()
  await page.goto(line.url)
  return { page, line }
}

/** The same box as the page's, without the web app. */
async function elsewhere(name: string, again?: { phone: string; recoveryKey?: string }) {
  const box = { url: rig.server.url, code: (phone: string) => rig.server.code(phone) }
  const person = await Elsewhere.register(box, { name, ...again })
  opened.push(person)
  return person
}

const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })
const goOn = (page: Page) => page.getByRole('button', { name: 'Continue' }).click()
const says = (page: Page, sentence: string | RegExp) => page.getByText(sentence).first().waitFor()

async function giveCode(page: Page, code: string): Promise<void> {
  await field(page, 'Code').fill(code)
  await goOn(page)
}

test('a wrong code is said, stays in its field, and the right one still counts; the name is kept', async () => {
  const { page } = await newcomer()
  const number = '+4915113000001'
  await field(page, 'Phone number').fill(number)
  await goOn(page)
  await field(page, 'Code').waitFor()
  const code = await rig.server.code(number)
  const wrong = code === '000000' ? '111111' : '000000'
  await giveCode(page, wrong)
  await field(page, 'Your name').fill('Ada Lovelace')
  await goOn(page)
  await says(page, 'That code is not right. Check the newest message and type it again.')
  expect(await field(page, 'Code').inputValue()).toBe(wrong)
  await giveCode(page, code)
  expect(await field(page, 'Your name').inputValue()).toBe('Ada Lovelace')
  await goOn(page)
  await page.getByTestId('recovery-key').waitFor()
})

test('a code that was guessed at too often is over: it says to ask for a new one, and that one counts', async () => {
  const { page } = await newcomer()
  const number = '+4915113000002'
  await field(page, 'Phone number').fill(number)
  await goOn(page)
  await field(page, 'Code').waitFor()
  const code = await rig.server.code(number)
  const wrong = code === '000000' ? '111111' : '000000'
  for (let tries = 1; tries <= 5; tries++) {
    await giveCode(page, wrong)
    await field(page, 'Your name').fill('Ada')
    await goOn(page)
    await says(page, tries < 5 ? 'That code is not right.' : 'Too many wrong codes.')
  }
  await giveCode(page, code)
  await goOn(page)
  await says(page, 'Too many wrong codes. Ask for a new one.')
  await page.getByRole('button', { name: 'Back' }).click()
  expect(await field(page, 'Phone number').inputValue()).toBe(number)
  await goOn(page)
  await giveCode(page, await rig.server.code(number))
  expect(await field(page, 'Your name').inputValue()).toBe('Ada')
  await goOn(page)
  await page.getByTestId('recovery-key').waitFor()
})

test('a server that is not there at the first start is said, the number stays, and it goes on when it is back', async () => {
  const { page, line } = await newcomer()
  const number = '+4915113000003'
  await field(page, 'Phone number').fill(number)
  line.cut()
  await goOn(page)
  await says(page, /does not answer\. Is it running\? Check the address and the network\.$/)
  expect(await field(page, 'Phone number').inputValue()).toBe(number)
  line.mend()
  await goOn(page)
  await field(page, 'Code').fill(await rig.server.code(number))
  line.cut()
  await goOn(page)
  await field(page, 'Your name').fill('Ada')
  await goOn(page)
  await says(page, /does not answer\. Is it running\? Check the address and the network\.$/)
  expect(await field(page, 'Your name').inputValue()).toBe('Ada')
  line.mend()
  await goOn(page)
  await page.getByTestId('recovery-key').waitFor()
})

test('a server that goes away later is said; what is written waits with a clock, and goes out when it is back', async () => {
  const ada = await rig.person('Ada')
  opened.push(ada.context)
  const ben = await elsewhere('Ben')
  await ada.startChat(ben.phone)
  ada.line.cut()
  await says(ada.page, /The server does not answer yet|Connecting…|The server cannot be reached/)
  await ada.send('while nobody answered')
  await ada.seesTick('while nobody answered', 'Pending')
  ada.line.mend()
  await ada.seesTick('while nobody answered', 'Delivered')
  await ada.page.getByTestId('connection').getByText(/./).first().waitFor({ state: 'detached' })
})

test('nobody behind a number or a link is said, and what was typed can be mended', async () => {
  const ada = await rig.person('Ada')
  opened.push(ada.context)
  const ben = await elsewhere('Ben')
  const { page } = ada
  await page.getByRole('button', { name: 'New chat' }).first().click()
  const alias = page.getByRole('dialog').getByRole('textbox', { name: 'Phone number or link' })
  const start = page.getByRole('dialog').getByRole('button', { name: 'Start chat' })
  await alias.fill('+4915199999999')
  await start.click()
  await says(page, /^Nobody is registered there\./)
  expect(await alias.inputValue()).toBe('+4915199999999')
  await alias.fill('hello')
  await start.click()
  await says(page, 'Write a whole phone number, or paste a link.')
  await alias.fill(ben.phone)
  await start.click()
  await ada.composer().waitFor()
  await page.goto(`${ada.line.url}/c/00000000-0000-4000-8000-000000000000`)
  await says(page, 'This chat cannot be opened')
  await says(page, /^Nobody is registered there\./)
  await page.getByRole('button', { name: 'Go to the chats' }).click()
  await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor()
})

test('a message over the limit says by how much, keeps the text, also through a reload, and goes once it fits', async () => {
  const ada = await rig.person('Ada')
  opened.push(ada.context)
  const ben = await elsewhere('Ben')
  await ada.startChat(ben.phone)
  await ada.send('short enough')
  await ada.sees('short enough')
  await ben.until(ben.client.chats(), ([chat]) => chat?.preview === 'short enough')
  const tooLong = `${'ä'.repeat(textBytesMax / 2)}!!`
  await ada.composer().fill(tooLong)
  await says(ada.page, 'This message is 2 bytes too long; 65,536 are possible.')
  await ada.composer().press('Enter')
  expect(await ada.page.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true)
  expect(await ada.composer().inputValue()).toBe(tooLong)
  await ada.composer().press('Escape')
  await says(ada.page, 'Draft:')
  await ada.page.reload()
  await ada.openChat(ben.phone)
  await says(ada.page, 'This message is 2 bytes too long')
  expect(await ada.composer().inputValue()).toBe(tooLong)
  expect(ben.client.chats().getSnapshot()).toMatchObject([{ preview: 'short enough' }])
  await ada.send('ä'.repeat(textBytesMax / 2))
  await ben.until(ben.client.chats(), ([chat]) => chat?.preview.startsWith('ä') === true)
})

test('[Y41] a device whose number was registered elsewhere says so; what was not sent stays readable until one registers again', async () => {
  const ada = await rig.person('Ada')
  opened.push(ada.context)
  const ben = await elsewhere('Ben')
  const { page } = ada
  await ada.startChat(ben.phone)
  await ada.send('sent before')
  await ada.seesTick('sent before', 'Delivered')
  ada.line.cut()
  await ada.send('never sent')
  await ada.seesTick('never sent', 'Pending')
  await elsewhere('Ada', { phone: ada.phone, recoveryKey: ada.recoveryKey })
  ada.line.mend()
  await says(
    page,
    'This device is no longer on its account. What was not sent waits until you register again.',
  )
  await says(page, 'This device can no longer send. Register again to go on.')
  expect(await ada.composer().count()).toBe(0)
  await ada.sees('never sent')
  await page.reload()
  await says(page, 'This device is no longer on its account.')
  await ada.sees('never sent')
  await ada.sees('sent before')
  expect(ben.client.chats().getSnapshot()[0]).toMatchObject({ preview: 'sent before' })
  await page.getByRole('button', { name: 'Register again' }).click()
  await page.getByRole('button', { name: 'Back' }).click()
  await ada.sees('never sent')
  await page.getByRole('button', { name: 'Register again' }).click()
  expect(await field(page, 'Phone number').inputValue()).toBe(ada.phone)
  await goOn(page)
  await giveCode(page, await rig.server.code(ada.phone))
  expect(await field(page, 'Your name').inputValue()).toBe('Ada')
  await goOn(page)
  await page.getByRole('button', { name: 'I have written it down' }).click()
  await ada.openChat(ben.phone)
  await ada.sees('sent before')
  await ada.seesTick('never sent', 'Delivered')
})

test('a damaged local database is said, and one can begin anew with the same number', async () => {
  const ada = await rig.person('Ada')
  opened.push(ada.context)
  const { page } = ada
  await changeStore(page, ada.line.url, 'bytes.fill(0x55, 4096)')
  await says(page, 'The local database is damaged')
  await page.getByRole('button', { name: 'Reload' }).click()
  await says(page, 'The local database is damaged')
  await page.getByRole('button', { name: 'Start afresh in this browser…' }).click()
  await says(page, /^This erases all messages and keys in this browser/)
  await page.getByRole('button', { name: 'Erase and start afresh' }).click()
  await field(page, 'Phone number').fill(ada.phone)
  await goOn(page)
  await giveCode(page, await rig.server.code(ada.phone))
  await field(page, 'Your name').fill('Ada')
  await page.getByRole('button', { name: 'Enter recovery key' }).click()
  await field(page, 'Recovery key').fill(ada.recoveryKey)
  await goOn(page)
  await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor()
})

test('a local database of a newer version is said, and erasing it is not offered', async () => {
  const ada = await rig.person('Ada')
  opened.push(ada.context)
  const { page } = ada
  // The version stands in the header of the database, behind the pool's own; the journal would win over it.
  const setVersion = `
    const start = new TextDecoder().decode(bytes.slice(4096, 4111))
    if (start === 'SQLite format 3') new DataView(bytes.buffer).setUint32(4096 + 60, 9999)
    else bytes.fill(0, 4096)`
  await changeStore(page, ada.line.url, setVersion)
  await says(page, 'The local database is of a newer version')
  expect(await page.getByRole('button', { name: /Start afresh/ }).count()).toBe(0)
})

test('[Y17] a full disk is said, the text stays in its field, and goes out once there is room', async () => {
  const ada = await rig.person('Ada')
  opened.push(ada.context)
  const ben = await elsewhere('Ben')
  await ada.startChat(ben.phone)
  await ada.send('there was room')
  await ada.seesTick('there was room', 'Delivered')
  const session = await ada.context.newCDPSession(ada.page)
  const origin = ada.line.url
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 })
  const text = 'no room '.padEnd(textBytesMax, 'x')
  await ada.send(text)
  await says(ada.page, /^The disk is full, so nothing was saved\. Free some room and try again\.$/)
  expect(await ada.composer().inputValue()).toBe(text)
  await session.send('Storage.overrideQuotaForOrigin', { origin })
  await ada.composer().press('Enter')
  await ben.until(ben.client.chats(), ([chat]) => chat?.preview.startsWith('no room') === true)
  const peer = ben.client.chats().getSnapshot()[0]
  expect(peer).toMatchObject({ unread: 2 })
})

test('a clock that is far off is said while everything goes on', async () => {
  const clock = { now: () => systemClock.now() + hourMs, after: systemClock.after }
  await using box = await startServer({ clock, webFolder })
  using line = new Line(box.url)
  const context = await rig.context()
  opened.push(context)
  const code = async (phone: string) => box.codes.get(phone) ?? ''
  const ada = await Person.register({ context, line, name: 'Ada', phone: '+4915113000004', code })
  await says(ada.page, /^The clock of this device is more than five minutes off\. Set it right;/)
  const ben = await Elsewhere.register({ url: box.url, code }, { name: 'Ben' })
  opened.push(ben)
  await ada.startChat(ben.phone)
  await ada.send('by whose clock?')
  await ada.seesTick('by whose clock?', 'Delivered')
})

test('no page threw an error', () => {
  expect(rig.pageErrors).toEqual([])
})

/** Changes `bytes` of every file of the local database while no worker has it open, and opens the app again. */
async function changeStore(page: Page, url: string, change: string): Promise<void> {
  await page.goto(`${url}/openapi.json`)
  await page.evaluate(`(async () => {
    const root = await navigator.storage.getDirectory()
    const pool = await root.getDirectoryHandle('parley-engine')
    const folder = await pool.getDirectoryHandle('.opaque')
    for await (const file of folder.values()) {
      for (let tries = 0; ; tries++) {
        try {
          const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer())
          if (bytes.length > 4096) { ${change} }
          const writer = await file.createWritable()
          await writer.write(bytes)
          await writer.close()
          break
        } catch (error) {
          if (tries === 200) throw error
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
  })()`)
  await page.goto(url)
}
