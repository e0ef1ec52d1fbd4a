/**
 * Tabs of one browser on one engine: who leads, what happens when that tab goes, and what is said
 * when the engine cannot start.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { serveSite, type Site } from './worker-page.ts'

let browser: Browser
let site: Site
let context: BrowserContext

beforeAll(async () => {
  browser = await launchChromium()
  site = await serveSite({
    page: new URL('./engine-tabs.page.ts', import.meta.url),
    worker: new URL('./engine-tabs.worker.ts', import.meta.url),
  })
}, 60_000)
afterEach(() => context.close())
afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
})

const peer = '6b0f5e1e-7a5f-4f6c-9a52-0c8b4a8e6f01'
const engineIs = (page: Page, kind: string) =>
  page.waitForFunction(`window.remote?.engine.getSnapshot().kind === '${kind}'`)
const setName = (page: Page, name: string) =>
  page.evaluate(`window.remote.setContactName('${peer}', '${name}')`)
const names = (page: Page) =>
  page.evaluate('window.remote.contacts().then((all) => all.map(({ name }) => name))')
const leads = (page: Page) => page.workers().length === 1

async function openTab(): Promise<Page> {
  const page = await context.newPage()
  await page.goto(site.url)
  await engineIs(page, 'ready')
  return page
}

/** Follows the contact's chat, so that a title in the page is the live one. */
async function titleIs(page: Page, title: string): Promise<void> {
  await page.evaluate(
    `window.query ??= window.remote.chat('${peer}'); window.query.subscribe(() => {})`,
  )
  await page.waitForFunction(`window.query.getSnapshot()?.title === '${title}'`)
}

test('two tabs are on one engine: the first leads, both see what either does', async () => {
  context = await browser.newContext()
  const first = await openTab()
  const second = await openTab()
  expect([leads(first), leads(second)]).toEqual([true, false])
  await setName(second, 'Ada')
  await titleIs(first, 'Ada')
  await titleIs(second, 'Ada')
})

test('when the leading tab is closed, another one leads and has everything', async () => {
  context = await browser.newContext()
  const first = await openTab()
  const second = await openTab()
  const third = await openTab()
  await setName(first, 'Ada')
  await titleIs(second, 'Ada')
  await first.close()
  await setName(third, 'Grace')
  await titleIs(second, 'Grace')
  expect(leads(second)).toBe(true)
  expect(await names(third)).toEqual(['Grace'])
  await second.close()
  expect(await names(third)).toEqual(['Grace'])
  expect(leads(third)).toBe(true)
}, 20_000)

test('a reload of the only tab finds everything again', async () => {
  context = await browser.newContext()
  const page = await openTab()
  await setName(page, 'Ada')
  for (let round = 0; round < 5; round++) {
    await page.reload()
    await engineIs(page, 'ready')
    expect(await names(page)).toEqual(['Ada'])
  }
}, 20_000)

test('a worker that dies in the middle of writing leaves a database that opens', async () => {
  context = await browser.newContext()
  for (let round = 0; round < 3; round++) {
    const page = await openTab()
    const known = (await names(page)) as string[]
    await page.evaluate(`for (let i = 0; i < 60; i++) void window.remote.setContactName(
      '${peer}', 'name ' + i).catch(() => {})`)
    await page.waitForFunction(
      `window.remote.contacts().then((all) => all[0]?.name !== '${known[0] ?? ''}')`,
    )
    await page.close({ runBeforeUnload: false })
  }
  const last = await openTab()
  expect(((await names(last)) as string[])[0]).toMatch(/^name \d+$/)
}, 30_000)

test('a damaged database is said to every tab; logging out begins anew', async () => {
  context = await browser.newContext()
  const page = await openTab()
  await setName(page, 'Ada')
  await page.evaluate('window.remote[Symbol.asyncDispose]()')
  await page.evaluate(damage)
  await page.reload()
  await engineIs(page, 'failed')
  const second = await context.newPage()
  await second.goto(site.url)
  await engineIs(second, 'failed')
  expect(await second.evaluate('window.remote.engine.getSnapshot().problem.code')).toBe(
    'store-corrupt',
  )
  expect(await thrownBy(second, 'window.remote.contacts()')).toBe('store-corrupt')
  await second.evaluate('window.remote.logout()')
  await engineIs(page, 'ready')
  expect(await page.evaluate('window.remote.engine.getSnapshot().persistent')).toBe(true)
  expect(await names(page)).toEqual([])
  await setName(page, 'Grace')
  await page.reload()
  await engineIs(page, 'ready')
  expect(await names(page)).toEqual(['Grace'])
}, 20_000)

function thrownBy(page: Page, call: string): Promise<unknown> {
  return page.evaluate(`${call}.then(() => 'nothing', (error) => error.problem.code)`)
}

/** Writes over the content of every file of the pool, which is free once the worker has ended. */
const damage = `(async () => {
  const root = await navigator.storage.getDirectory()
  const folder = await (await root.getDirectoryHandle('parley-engine')).getDirectoryHandle('.opaque')
  for await (const file of folder.values()) {
    for (let tries = 0; ; tries++) {
      try {
        const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer())
        if (bytes.length > 4096) bytes.fill(0x55, 4096)
        const writer = await file.createWritable()
        await writer.write(bytes)
        await writer.close()
        break
      } catch (error) {
        if (tries === 50) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
})()`
