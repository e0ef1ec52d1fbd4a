/**
 * Serves a page with a script and a worker, and SQLite's WASM beside them: the SDK alone in a
 * browser, without server and web app.
 */
import type { Page } from 'playwright-core'

const reportMs = 60_000

export interface Site extends AsyncDisposable {
  url: string
}

/** `page` and `worker` are the entry files of their scripts. */
export async function serveSite(entries: { page: URL; worker: URL }): Promise<Site> {
  const [page, worker] = await Promise.all([bundle(entries.page), bundle(entries.worker)])
  const wasm = Bun.file(new URL(import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')))
  const html = '<!doctype html><title>test</title><script type="module" src="/page.js"></script>'
  const answer = (body: string | Blob, type: string) => () =>
    new Response(body, { headers: { 'content-type': type } })
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    routes: {
      '/': answer(html, 'text/html'),
      '/page.js': answer(page, 'text/javascript'),
      '/worker.js': answer(worker, 'text/javascript'),
      '/sqlite3.wasm': answer(wasm, 'application/wasm'),
    },
  })
  return { url: server.url.href, [Symbol.asyncDispose]: () => server.stop(true) }
}

async function bundle(entry: URL): Promise<string> {
  const built = await Bun.build({ entrypoints: [entry.pathname], target: 'browser', format: 'esm' })
  const [script] = built.outputs
  if (!script) throw new Error(`${entry.pathname} was not built`)
  return script.text()
}

/** What the page puts into `window.report`. */
export async function reportOf(page: Page): Promise<unknown> {
  const report = await page.waitForFunction('window.report', undefined, { timeout: reportMs })
  return report.jsonValue()
}
