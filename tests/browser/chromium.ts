/** The system's Chromium, headless, without its calls to the outside. */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

const executables = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launchChromium(): Promise<Browser> {
  return chromium.launch(options())
}

/** With a profile on the disk, whose files outlive it: OPFS as people have it. */
export function launchProfile(folder: string): Promise<BrowserContext> {
  const viewport = { width: 1280, height: 800 }
  return chromium.launchPersistentContext(folder, {
    ...options(),
    viewport,
    locale: 'en-GB',
    handleSIGINT: false,
  })
}

function options() {
  const executablePath = [process.env.PARLEY_CHROMIUM, ...executables].find(
    (each) => each && existsSync(each),
  )
  if (!executablePath) {
    throw new Error('There is no Chromium. Install it: apt-get install chromium')
  }
  return { executablePath, args: flags }
}
