/** A person at a browser: drives the app by the names that assistive technology sees. */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import type { Line } from './line.ts'

export interface PersonOptions {
  context: BrowserContext
  line: Line
  name: string
  phone: string
  /** The code that the server printed for the number. */
  code: (phone: string) => Promise<string>
}

export type Tick = 'Pending' | 'Sent' | 'Delivered' | 'Read' | 'Not sent'

export class Person {
  readonly page: Page
  readonly context: BrowserContext
  readonly line: Line
  readonly name: string
  readonly phone: string
  recoveryKey = ''

  constructor(page: Page, options: PersonOptions) {
    this.page = page
    this.context = options.context
    this.line = options.line
    this.name = options.name
    this.phone = options.phone
  }

  /** Opens the app in a fresh context and registers. */
  static async register(options: PersonOptions): Promise<Person> {
    const page = await options.context.newPage()
    const person = new Person(page, options)
    await page.goto(options.line.url)
    await page.getByRole('textbox', { name: 'Phone number' }).fill(options.phone)
    await page.getByRole('button', { name: 'Continue' }).click()
    const codeField = page.getByRole('textbox', { name: 'Code' })
    await codeField.waitFor()
    await codeField.fill(await options.code(options.phone))
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('textbox', { name: 'Your name' }).fill(options.name)
    await page.getByRole('button', { name: 'Continue' }).click()
    const key = page.getByTestId('recovery-key')
    await key.waitFor()
    person.recoveryKey = (await key.textContent())?.trim() ?? ''
    await page.getByRole('button', { name: 'I have written it down' }).click()
    await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor()
    return person
  }

  async startChat(alias: string): Promise<void> {
    const { page } = this
    await page.getByRole('button', { name: 'New chat' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Phone number or link' }).fill(alias)
    await dialog.getByRole('button', { name: 'Start chat' }).click()
    await this.composer().waitFor()
  }

  async openChat(title: string | RegExp): Promise<void> {
    await this.page.getByRole('link', { name: title }).first().click()
    await this.composer().waitFor()
  }

  /** As in a tunnel: the browser says that it is offline, and nothing gets through. */
  async goOffline(): Promise<void> {
    this.line.cut()
    await this.context.setOffline(true)
  }

  async goOnline(): Promise<void> {
    this.line.mend()
    await this.context.setOffline(false)
  }

  composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message', exact: true })
  }

  async send(text: string): Promise<void> {
    await this.composer().fill(text)
    await this.composer().press('Enter')
  }

  /** The bubble whose text is exactly this. */
  message(text: string): Locator {
    return this.page
      .getByRole('article')
      .filter({ has: this.page.getByText(text, { exact: true }) })
  }

  async sees(text: string): Promise<void> {
    await this.message(text).first().waitFor()
  }

  async seesTick(text: string, tick: Tick): Promise<void> {
    await this.message(text).first().getByRole('img', { name: tick, exact: true }).waitFor()
  }

  /** Texts of the mounted bubbles that match, top to bottom. */
  async texts(pattern: RegExp): Promise<string[]> {
    const all = await this.page.getByRole('article').allInnerTexts()
    return all.flatMap((text) => pattern.exec(text)?.[0] ?? [])
  }
}
