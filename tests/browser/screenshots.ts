/** `bun tests/browser/screenshots.ts FOLDER`: pictures of the app at both sizes in both themes, to be looked at beside the design, and for the README. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AppRig, phone, wide } from './app-rig.ts'
import type { Person } from './person.ts'

const folder = process.argv[2] ?? 'test-results/screenshots'
const settleMs = 700

const talk: readonly [who: 'nadia' | 'ada', text: string][] = [
  ['nadia', 'Morning! Did you see the weather for this evening?'],
  ['nadia', 'Clear until nine, then wind from the west'],
  ['ada', 'Yes 🙂 so the boat is on?'],
  [
    'nadia',
    "It is. Karim asked whether he can bring his brother, I said there's room for one more",
  ],
  ['ada', 'Of course'],
  ['ada', "I'll get bread and the good olives. Anything else missing?"],
  ['nadia', 'Something warm to drink after. I have the big flask'],
  ['ada', 'Perfect. Is the pier still closed on the north side?'],
  ['nadia', 'Yes, works until Thursday'],
  ['nadia', "Then let's meet at the harbour at six"],
]

mkdirSync(folder, { recursive: true })
await using rig = await AppRig.open()
for (const [size, viewport] of Object.entries({ wide, phone })) {
  for (const dark of [false, true]) {
    const look = `${dark ? 'dark' : 'light'}-${size}`
    await registering(look, { viewport, dark })
    await chatting(look, { viewport, dark })
    process.stdout.write(`${look}\n`)
  }
}

type Look = { viewport: typeof wide; dark: boolean }

async function shoot(person: Pick<Person, 'page'>, name: string): Promise<void> {
  await person.page.waitForTimeout(settleMs)
  await person.page.screenshot({ path: join(folder, `${name}.png`) })
}

async function registering(look: string, options: Look): Promise<void> {
  const context = await rig.context(options)
  const page = await context.newPage()
  await page.goto(rig.server.url)
  await page.getByRole('textbox', { name: 'Phone number' }).fill('+4915112345678')
  await shoot({ page }, `${look}-register`)
  await context.close()
}

async function chatting(look: string, options: Look): Promise<void> {
  const ada = await rig.person('Ada', options)
  await shoot(ada, `${look}-empty`)
  const nadia = await rig.person('Nadia Rahman', { viewport: wide })
  for (const [name, text] of [
    ['Jonas Weber', 'Sounds good, see you there'],
    ['Mum', 'Call me when you land'],
    ['Lin Chen', 'The photos are ready'],
  ] as const) {
    const friend = await rig.person(name, { viewport: wide })
    await friend.startChat(ada.phone)
    await friend.send(text)
    await friend.seesTick(text, 'Delivered')
    await friend.context.close()
  }
  await nadia.startChat(ada.phone)
  await nadia.send('Hi Ada')
  await ada.openChat(/Nadia/)
  for (const [who, text] of talk) {
    const [from, to] = who === 'ada' ? [ada, nadia] : [nadia, ada]
    await from.send(text)
    await to.sees(text)
  }
  await ada.seesTick('Perfect. Is the pier still closed on the north side?', 'Read')
  await nadia.composer().pressSequentially('And bring')
  await shoot(ada, `${look}-chat`)
  if (options.viewport === phone) {
    await ada.page
      .getByRole('link', { name: 'Back' })
      .or(ada.page.getByRole('button', { name: 'Back' }))
      .first()
      .click()
    await shoot(ada, `${look}-chats`)
    await ada.openChat(/Nadia/)
  }
  await ada.goOffline()
  await ada.page
    .getByText(/Waiting for network|Connecting/)
    .first()
    .waitFor()
  await ada.send('On my way')
  await shoot(ada, `${look}-offline`)
  await ada.goOnline()
  await ada.seesTick('On my way', 'Read')
  await failing(ada, nadia, look)
  await ada.context.close()
  await nadia.context.close()
}

/** Ada has verified Nadia, who then registers anew without her recovery key: nothing is sent to the new key unasked. */
async function failing(ada: Person, nadia: Person, look: string): Promise<void> {
  const { page } = ada
  await page.getByRole('button', { name: 'Chat menu' }).click()
  await page.getByRole('menuitem', { name: 'View safety number' }).click()
  await page.getByRole('button', { name: 'Mark as verified' }).click()
  await page.getByText('You verified').first().waitFor()
  await page.keyboard.press('Escape')
  const anew = await rig.person('Nadia Rahman', { viewport: wide, phone: nadia.phone })
  await ada.send('Are you there already?')
  await page.getByRole('button', { name: /Not sent/ }).waitFor()
  await shoot(ada, `${look}-failed`)
  await anew.context.close()
}
