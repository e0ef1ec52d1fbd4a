/** The system's Chromium, headless, without its calls to the outside. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const executables = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launchChromium(): Promise<Browser> {
  const executablePath = [process.env.PARLEY_CHROMIUM, ...executables].find(
    (each) => each && existsSync(each),
  )
  if (!executablePath) {
    throw new Error('There is no Chromium. Install it: apt-get install chromium')
  }
  return chromium.launch({ executablePath, args: flags })
}
