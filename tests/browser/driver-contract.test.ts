/** The driver contract on SQLite WASM and OPFS, in a real browser. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { driverContract } from '../../packages/sdk/src/store/driver.contract.ts'
import type { CaseReport } from './driver-contract.worker.ts'
import { launchChromium, reportOf, serveWorker, type WorkerSite } from './worker-page.ts'

let browser: Browser
let site: WorkerSite
let reports: CaseReport[]

beforeAll(async () => {
  browser = await launchChromium()
  site = await serveWorker(new URL('driver-contract.worker.ts', import.meta.url).pathname)
  reports = (await reportOf(browser, site.url)) as CaseReport[]
}, 90_000)

afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
})

for (const [index, { name }] of driverContract.entries()) {
  test(`on OPFS: ${name}`, () => {
    expect(reports[index]).toEqual({ name, failure: undefined })
  })
}
