/**
 * The service worker: keeps the app itself, so that it starts without a network. It never sees the
 * server's API, and holds no messages.
 */
declare const self: ServiceWorkerGlobalScope

/** Filled in by build/app-shell.ts: path and revision of each file. */
const shell = JSON.parse('__APP_SHELL__') as [path: string, revision: string][]
const prefix = 'parley-shell-'
const cacheName = prefix + shell.map(([, revision]) => revision.slice(0, 4)).join('')

self.addEventListener('install', (event) => event.waitUntil(keepShell()))
self.addEventListener('activate', (event) => event.waitUntil(takeOver()))
self.addEventListener('message', (event) => {
  if (event.data === 'take-over') event.waitUntil(self.skipWaiting())
})
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) return
  if (event.request.mode === 'navigate' && isPage(url.pathname)) {
    event.respondWith(fromShell('/', event.request))
  } else if (url.pathname.startsWith('/assets/')) {
    event.respondWith(fromCacheFirst(event.request))
  } else if (shell.some(([path]) => path === url.pathname)) {
    event.respondWith(fromShell(url.pathname, event.request))
  }
})

/** The app's own addresses; everything else is the server's. */
function isPage(path: string): boolean {
  return path === '/' || path.startsWith('/c/')
}

async function keepShell(): Promise<void> {
  const cache = await caches.open(cacheName)
  await cache.addAll(shell.map(([path]) => new Request(path, { cache: 'no-cache' })))
}

async function takeOver(): Promise<void> {
  const names = await caches.keys()
  const old = names.filter((name) => name.startsWith(prefix) && name !== cacheName)
  await Promise.all(old.map((name) => caches.delete(name)))
  await self.clients.claim()
}

async function fromShell(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(cacheName)
  return (await cache.match(path)) ?? fetch(request)
}

/** Hashed names never change their content, so a kept one is as good as a fetched one. */
async function fromCacheFirst(request: Request): Promise<Response> {
  const kept = await caches.match(request)
  if (kept !== undefined) return kept
  const response = await fetch(request)
  if (response.ok) {
    const cache = await caches.open(cacheName)
    await cache.put(request, response.clone())
  }
  return response
}

/** A module by its types only: what is built is a plain script. */
export {}
