/** The driver contract on SQLite WASM and OPFS, in a real browser. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { driverContract } from '../../packages/sdk/src/store/driver.contract.ts'
import { opfsCases } from './opfs-cases.ts'
import { launchChromium } from './chromium.ts'
import { reportOf, serveSite, type Site } from './worker-page.ts'

let browser: Browser
let site: Site
let reports: unknown[]

beforeAll(async () => {
  browser = await launchChromium()
  site = await serveSite({
    page: new URL('./driver-contract.page.ts', import.meta.url),
    worker: new URL('./driver-contract.worker.ts', import.meta.url),
  })
  const page = await browser.newPage()
  await page.goto(site.url)
  reports = (await reportOf(page)) as unknown[]
}, 90_000)

afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
})

for (const [index, { name }] of [...driverContract, ...opfsCases].entries()) {
  test(`on OPFS: ${name}`, () => {
    expect(reports[index]).toEqual({ name, failure: undefined })
  })
}
