/**
 * Serves the built web app: hashed assets for a year, everything else revalidated, unknown paths as
 * the app's one page.
 */
import { realpath } from 'node:fs/promises'
import { join, normalize, sep } from 'node:path'

const assetsPrefix = '/assets/'
const forAYear = 'public, max-age=31536000, immutable'
const encodings = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const

/** Undefined when there is nothing to serve under this path. */
export async function serveWebApp(root: string, request: Request): Promise<Response | undefined> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
  const path = decodedPath(new URL(request.url).pathname)
  if (path === undefined) return undefined
  const file = await fileUnder(root, path === '/' ? '/index.html' : path)
  if (file) return fileResponse(request, path, file)
  const isPage = !path.startsWith(assetsPrefix) && !/\.[a-z0-9]+$/i.test(path)
  const index = isPage ? await fileUnder(root, '/index.html') : undefined
  return index === undefined ? undefined : fileResponse(request, '/index.html', index)
}

function decodedPath(path: string): string | undefined {
  try {
    const decoded = decodeURIComponent(path)
    return decoded.includes('\0') ? undefined : normalize(decoded)
  } catch {
    return undefined
  }
}

/** The real path of a file inside the root, wherever links point. */
async function fileUnder(root: string, path: string): Promise<string | undefined> {
  try {
    const base = await realpath(root)
    const found = await realpath(join(base, path))
    const inside = found.startsWith(base + sep) && !(await Bun.file(found).stat()).isDirectory()
    return inside ? found : undefined
  } catch {
    return undefined
  }
}

async function fileResponse(request: Request, path: string, file: string): Promise<Response> {
  const accepted = request.headers.get('accept-encoding') ?? ''
  const headers = new Headers({
    'Content-Type': Bun.file(file).type,
    'Cache-Control': path.startsWith(assetsPrefix) ? forAYear : 'no-cache',
    Vary: 'Accept-Encoding',
  })
  let body = Bun.file(file)
  for (const { name, suffix } of encodings) {
    const packed = Bun.file(file + suffix)
    if (!accepted.includes(name) || !(await packed.exists())) continue
    body = packed
    headers.set('Content-Encoding', name)
    break
  }
  const { mtimeMs, size } = await body.stat()
  const tag = `"${Math.floor(mtimeMs).toString(36)}-${size.toString(36)}"`
  headers.set('ETag', tag)
  if (request.headers.get('if-none-match') === tag) {
    return new Response(null, { status: 304, headers })
  }
  if (request.method === 'HEAD') headers.set('Content-Length', String(size))
  return new Response(request.method === 'HEAD' ? null : body, { headers })
}
