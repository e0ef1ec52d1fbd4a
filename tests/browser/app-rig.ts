/** The real server process with the built web app, and Chromium. */
import { spawnServer } from '@parley/testkit'
import type { SpawnedServer } from '@parley/testkit'
import type { Browser, BrowserContext } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { Line } from './line.ts'
import { Person } from './person.ts'

/** Long: the machine may be busy with other things. */
const actionMs = 60_000
export const wide = { width: 1280, height: 800 }
export const phone = { width: 390, height: 844 }

export class AppRig implements AsyncDisposable {
  readonly browser: Browser
  server: SpawnedServer
  /** Errors that a page threw or logged. */
  readonly pageErrors: string[] = []
  readonly #lines: Line[] = []
  #numbers = 0

  private constructor(browser: Browser, server: SpawnedServer) {
    this.browser = browser
    this.server = server
  }

  static async open(): Promise<AppRig> {
    const server = await spawnServer({ web: true })
    const browser = await launchChromium()
    return new AppRig(browser, server)
  }

  async context(options: { viewport?: typeof wide; dark?: boolean } = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      viewport: options.viewport ?? wide,
      colorScheme: options.dark ? 'dark' : 'light',
      locale: 'en-GB',
    })
    context.setDefaultTimeout(actionMs)
    context.on('weberror', (error) => this.pageErrors.push(String(error.error())))
    return context
  }

  /** A new person in a context of their own, with a number of their own unless one is given. */
  async person(
    name: string,
    options: { viewport?: typeof wide; dark?: boolean; phone?: string } = {},
  ): Promise<Person> {
    const context = await this.context(options)
    const line = new Line(this.server.url)
    this.#lines.push(line)
    const number = options.phone ?? `+4915112${String(100_000 + this.#numbers++)}`
    return Person.register({
      context,
      line,
      name,
      phone: number,
      code: (wanted) => this.server.code(wanted),
    })
  }

  /** SIGKILL, then the same folder and port again. */
  async killAndRestart(): Promise<void> {
    const { server } = this
    const { port } = new URL(server.url)
    server.kill('SIGKILL')
    await server.exited
    this.server = await spawnServer({
      dataFolder: server.dataFolder,
      port: Number(port),
      web: true,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close()
    for (const line of this.#lines) line[Symbol.dispose]()
    await this.server[Symbol.asyncDispose]()
  }
}
