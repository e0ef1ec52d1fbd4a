/**
 * Two people chat in two browsers: registering, every kind of text, ticks, being offline,
 * reloading, a server that is killed.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { AppRig } from './app-rig.ts'
import type { Person } from './person.ts'

const setUpMs = 120_000
const testMs = 120_000
const textBytesMax = 65_536

let rig: AppRig
let ada: Person
let ben: Person

beforeAll(async () => {
  rig = await AppRig.open()
  ada = await rig.person('Ada')
  ben = await rig.person('Ben')
}, setUpMs)

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
}, setUpMs)

test(
  'two people who registered find each other by number and see clock, one tick, two ticks, blue ticks',
  async () => {
    await ada.startChat(ben.phone)
    await ben.goOffline()
    await ada.send('Hello Ben')
    await ada.seesTick('Hello Ben', 'Sent')
    await ben.goOnline()
    await ada.seesTick('Hello Ben', 'Delivered')
    await ben.openChat(/Ada/)
    await ben.sees('Hello Ben')
    await ada.seesTick('Hello Ben', 'Read')
    await ben.send('Hello Ada')
    await ada.sees('Hello Ada')
    await ben.seesTick('Hello Ada', 'Read')
  },
  testMs,
)

test(
  'plain text, emoji, Arabic and 65,536 bytes arrive; one byte more is refused before it is sent',
  async () => {
    for (const text of ['plain text', '🙂', 'مرحبا، كيف حالك؟']) {
      await ada.send(text)
      await ben.sees(text)
      await ada.seesTick(text, 'Read')
    }
    const largest = 'largest '.padEnd(textBytesMax, 'x')
    await ada.send(largest)
    await ben.page
      .getByText(/^largest x+/)
      .first()
      .waitFor()
    await ada.composer().fill(`${largest}y`)
    await ada.page.getByText('1 byte too long').waitFor()
    await ada.composer().press('Enter')
    expect(await ada.composer().inputValue()).toHaveLength(textBytesMax + 1)
    await ada.composer().fill('')
  },
  testMs,
)

test(
  'whoever was offline gets 200 messages on return, in order, once',
  async () => {
    await ben.goOffline()
    await ben.page
      .getByText(/Waiting for network|Connecting/)
      .first()
      .waitFor()
    for (let index = 0; index < 200; index++) await ada.send(`batch ${index}.`)
    await ada.seesTick('batch 199.', 'Sent')
    await ben.goOnline()
    // What stands in view is read as soon as it comes.
    const tick = { name: /^(Delivered|Read)$/ }
    await ada.message('batch 199.').first().getByRole('img', tick).waitFor()
    await ben.page.reload()
    await ben.composer().waitFor()
    const seen = await allTexts(ben, /batch \d+\./)
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => `batch ${index}.`))
  },
  testMs,
)

test(
  'what is written while the server is down stays with a clock, and goes out once when it is back',
  async () => {
    const { port } = new URL(rig.server.url)
    expect(port).not.toBe('0')
    await ada.send('before the kill')
    const restarted = rig.killAndRestart()
    for (let index = 0; index < 10; index++) {
      await ada.send(`killed ${index}.`)
      await ben.send(`answer ${index}.`)
    }
    await restarted
    await ada.seesTick('killed 9.', 'Read')
    await ben.seesTick('answer 9.', 'Read')
    const numbers = Array.from({ length: 10 }, (_, index) => index)
    expect(await allTexts(ben, /killed \d+\./)).toEqual(numbers.map((n) => `killed ${n}.`))
    expect(await allTexts(ada, /answer \d+\./)).toEqual(numbers.map((n) => `answer ${n}.`))
  },
  testMs,
)

test(
  'a reload keeps the chat and a draft; the chat list shows the draft',
  async () => {
    await ada.composer().fill('half a thought')
    await ada.composer().press('Escape')
    await ada.page.getByText('Draft:').first().waitFor()
    await ada.page.reload()
    await ada.page.getByText('Draft:').first().waitFor()
    await ada.openChat(/Ben/)
    expect(await ada.composer().inputValue()).toBe('half a thought')
    await ada.sees('killed 9.')
    await ada.composer().fill('')
  },
  testMs,
)

test(
  'the app starts offline from the local database and shows what was there',
  async () => {
    await ben.page.evaluate('navigator.serviceWorker.ready.then(() => undefined)')
    await ben.goOffline()
    await ben.page.reload()
    await ben.composer().waitFor()
    await ben.sees('killed 9.')
    await ben.send('written offline')
    await ben.seesTick('written offline', 'Pending')
    await ben.goOnline()
    await ben.seesTick('written offline', 'Read')
    await ada.sees('written offline')
  },
  testMs,
)

test(
  'a second tab follows the first, and takes over when it closes',
  async () => {
    const second = await ada.context.newPage()
    await second.goto(ada.page.url())
    await second.getByText('written offline').first().waitFor()
    await ada.page.close()
    const field = second.getByRole('textbox', { name: 'Message', exact: true })
    await field.fill('from the second tab')
    await field.press('Enter')
    await ben.sees('from the second tab')
  },
  testMs,
)

test('no page threw an error', () => {
  expect(rig.pageErrors).toEqual([])
})

/** Every matching text of the open chat, oldest first: goes to the newest, then up through the bounded window. */
async function allTexts(person: Person, pattern: RegExp): Promise<string[]> {
  await scrollUntilStill(person, 'down', async () => lastOf(await mountedTexts(person)))
  let seen = new Map<string, string>()
  await scrollUntilStill(person, 'up', async () => {
    const mounted = await mountedTexts(person)
    const older = mounted.filter(([id]) => !seen.has(id))
    seen = new Map([...older, ...seen])
    return mounted[0]?.[0]
  })
  return [...seen.values()].flatMap((text) => pattern.exec(text)?.[0] ?? [])
}

/** Id and text of the mounted messages, top to bottom. */
async function mountedTexts(person: Person): Promise<[id: string, text: string][]> {
  return person.page
    .getByRole('article')
    .evaluateAll((articles) =>
      articles.map((article) => [
        article.getAttribute('data-message') ?? '',
        article.textContent ?? '',
      ]),
    )
}

const lastOf = (texts: [id: string, text: string][]) => texts.at(-1)?.[0]

/** Scrolls on until what `look` sees has stayed the same for a while. */
async function scrollUntilStill(
  person: Person,
  way: 'up' | 'down',
  look: () => Promise<string | undefined>,
): Promise<void> {
  const stillLooks = 8
  let before = await look()
  await person.page.mouse.move(800, 400)
  for (let still = 0; still < stillLooks; ) {
    await person.page.mouse.wheel(0, way === 'up' ? -4_000 : 4_000)
    await person.page.waitForTimeout(150)
    const now = await look()
    still = now === before ? still + 1 : 0
    before = now
  }
}
