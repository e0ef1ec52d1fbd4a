/** The vectors of packages/crypto for the curve, in a real browser: by WebCrypto and by @noble. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import type { CurveReport } from './crypto.worker.ts'
import { reportOf, serveSite, type Site } from './worker-page.ts'

let browser: Browser
let site: Site
let reports: { native: CurveReport; reference: CurveReport }

beforeAll(async () => {
  browser = await launchChromium()
  site = await serveSite({
    page: new URL('./driver-contract.page.ts', import.meta.url),
    worker: new URL('./crypto.worker.ts', import.meta.url),
  })
  const page = await browser.newPage()
  await page.goto(site.url)
  reports = (await reportOf(page)) as typeof reports
}, 90_000)

afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
})

test('[E3] WebCrypto of the browser does what the vectors ask', () => {
  expect(reports.native).toEqual({
    x25519: { right: 518, wrong: [] },
    ed25519: { right: 150, wrong: [] },
  })
})

test('[E3] the reference does what the vectors ask in the browser too', () => {
  expect(reports.reference).toEqual({
    x25519: { right: 518, wrong: [] },
    ed25519: { right: 150, wrong: [] },
  })
})
