/**
 * Vite plugin: tells the service worker which built files make up the app, so that it starts
 * offline, preloads the font of the first paint, and leaves compressed copies for the server.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin, Rollup } from 'vite'

const placeholder = '__APP_SHELL__'
const firstPaintFont = /inter-latin-wght-normal-[^.]*\.woff2$/
const worthCompressing = /\.(?:css|html|js|svg|wasm|webmanifest)$/
/** Above this level Brotli takes seconds for a few per cent. */
const brotliLevel = 9
/**
 * Other scripts' subsets are fetched when a text needs them, and kept then; big icons when the app
 * is installed; two of SQLite's own workers never.
 */
const onDemand = /\.(?:woff2|png|map)$|^sw\.js$|sqlite3-(?:worker1|opfs-async-proxy)/

export function appShell(): Plugin {
  let publicFolder = ''
  return {
    name: 'parley-app-shell',
    enforce: 'post',
    configResolved(config) {
      publicFolder = config.publicDir
    },
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        if (request.url === '/theme-start.js') request.url = '/src/theme-start.ts'
        next()
      })
    },
    transformIndexHtml: {
      order: 'post',
      handler(_html, context) {
        const font = Object.keys(context.bundle ?? {}).find((name) => firstPaintFont.test(name))
        if (font === undefined) return
        const attrs = { rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: '' }
        return [{ tag: 'link', attrs: { ...attrs, href: `/${font}` }, injectTo: 'head' }]
      },
    },
    generateBundle(_options, bundle) {
      const worker = bundle['sw.js']
      if (worker?.type !== 'chunk') throw new Error('the service worker was not built')
      const files = shellFiles(bundle, publicFolder)
      worker.code = worker.code.replace(placeholder, JSON.stringify(files).replaceAll('"', '\\"'))
    },
    writeBundle({ dir }) {
      if (dir !== undefined) compressIn(dir)
    },
  }
}

/** Path and revision of each file; a hashed name is its own revision. */
function shellFiles(bundle: Rollup.OutputBundle, publicFolder: string): [string, string][] {
  const files: [string, string][] = []
  for (const [name, output] of Object.entries(bundle)) {
    if (onDemand.test(name) && !firstPaintFont.test(name)) continue
    const content = output.type === 'chunk' ? output.code : output.source
    files.push([name === 'index.html' ? '/' : `/${name}`, revisionOf(content)])
  }
  for (const name of readdirSync(publicFolder)) {
    if (onDemand.test(name)) continue
    files.push([`/${name}`, revisionOf(readFileSync(join(publicFolder, name)))])
  }
  return files.sort(([left], [right]) => (left < right ? -1 : 1))
}

function compressIn(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!worthCompressing.test(name)) continue
    const path = join(folder, name)
    const content = readFileSync(path)
    const params = { [constants.BROTLI_PARAM_QUALITY]: brotliLevel }
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params }))
    writeFileSync(`${path}.gz`, gzipSync(content))
  }
}

function revisionOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12)
}
