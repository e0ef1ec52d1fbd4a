/** Runs one worker in a system Chromium on a page of its own origin, with SQLite's WASM beside it, and gives what the worker reports. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const reportMs = 60_000
const executables = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export function chromiumPath(): string {
  const path = [process.env.PARLEY_CHROMIUM, ...executables].find(
    (each) => each && existsSync(each),
  )
  if (!path) throw new Error('There is no Chromium. Install it: apt-get install chromium')
  return path
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
}

const page = `<!doctype html><title>worker</title>
<script type="module">
  const worker = new Worker('/worker.js' + location.search, { type: 'module' })
  worker.onmessage = (event) => { window.report = event.data }
  worker.onerror = (event) => { window.report = { error: event.message } }
</script>`

export interface WorkerSite extends AsyncDisposable {
  url: string
}

/** Bundles the worker and serves it. */
export async function serveWorker(entry: string): Promise<WorkerSite> {
  const built = await Bun.build({ entrypoints: [entry], target: 'browser', format: 'esm' })
  const script = await built.outputs[0]?.text()
  if (script === undefined) throw new Error('the worker was not built')
  const wasm = Bun.file(new URL(import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')))
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    routes: {
      '/': () => new Response(page, { headers: { 'content-type': 'text/html' } }),
      '/worker.js': () => new Response(script, { headers: { 'content-type': 'text/javascript' } }),
      '/sqlite3.wasm': () =>
        new Response(wasm, { headers: { 'content-type': 'application/wasm' } }),
    },
  })
  return {
    url: server.url.href,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

/** Opens the page in a context and waits for the worker's first message. */
export async function reportOf(browser: Browser, url: string): Promise<unknown> {
  const context = await browser.newContext()
  const tab = await context.newPage()
  try {
    await tab.goto(url)
    const report = await tab.waitForFunction('window.report', undefined, { timeout: reportMs })
    return await report.jsonValue()
  } finally {
    await context.close()
  }
}
