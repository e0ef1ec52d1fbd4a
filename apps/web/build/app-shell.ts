/**
 * Vite plugin: tells the service worker which built files make up the app, so that it starts offline, and preloads the font of the first paint.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin, Rollup } from 'vite'

const placeholder = '__APP_SHELL__'
const firstPaintFont = /inter-latin-wght-normal-[^.]*\.woff2$/
/** Other scripts' subsets are fetched when a text needs them, and kept then. */
const onDemand = /\.woff2$|\.map$|^sw\.js$/

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
    files.push([`/${name}`, revisionOf(readFileSync(join(publicFolder, name)))])
  }
  return files.sort(([left], [right]) => (left < right ? -1 : 1))
}

function revisionOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12)
}
