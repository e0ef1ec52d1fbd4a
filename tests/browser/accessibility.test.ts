/** axe finds nothing serious on the screens of the app, in both themes and at both sizes (clients.md K7). */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { AppRig, phone, wide } from './app-rig.ts'

const setUpMs = 180_000
const testMs = 180_000

let rig: AppRig

beforeAll(async () => {
  rig = await AppRig.open()
}, setUpMs)

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
}, setUpMs)

/** Rules that are broken badly, with the first place of each. */
async function findings(page: Page): Promise<string[]> {
  // Not as a script element, which the page's policy rightly refuses.
  await page.evaluate(axe.source)
  const results = (await page.evaluate('axe.run(document)')) as axe.AxeResults
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}

for (const [size, viewport] of Object.entries({ wide, phone })) {
  for (const dark of [false, true]) {
    test(
      `registering, an empty list and a chat are accessible: ${size}, ${dark ? 'dark' : 'light'}`,
      async () => {
        const context = await rig.context({ viewport, dark })
        const page = await context.newPage()
        await page.goto(rig.server.url)
        await page.getByRole('textbox', { name: 'Phone number' }).waitFor()
        expect(await findings(page)).toEqual([])
        await context.close()

        const ada = await rig.person('Ada', { viewport, dark })
        expect(await findings(ada.page)).toEqual([])
        const ben = await rig.person('Ben')
        await ada.startChat(ben.phone)
        await ada.send('Hello *Ben*')
        await ada.seesTick('Hello Ben', 'Delivered').catch(() => {})
        expect(await findings(ada.page)).toEqual([])
        await ada.context.close()
        await ben.context.close()
      },
      testMs,
    )
  }
}
