/**
 * Headers that every answer carries (S16, E27): nothing is loaded from elsewhere, nothing runs
 * inline, nobody frames us.
 */
import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from './api.ts'

/** Older Safari does not count WebSockets of the own origin as 'self'. */
const hostPattern = /^[a-z0-9.-]+(:\d+)?$|^\[[0-9a-f:]+\](:\d+)?$/i

function contentSecurityPolicy(host: string | undefined): string {
  const sockets = host && hostPattern.test(host) ? ` ws://${host} wss://${host}` : ''
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "manifest-src 'self'",
    `connect-src 'self'${sockets}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** `secure`: the public address is https, so browsers are told never to try anything else. */
export function securityHeaders(options: { secure: boolean }): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    await next()
    const { headers } = c.res
    headers.set('Content-Security-Policy', contentSecurityPolicy(c.req.header('host')))
    headers.set('X-Content-Type-Options', 'nosniff')
    headers.set('X-Frame-Options', 'DENY')
    headers.set('Referrer-Policy', 'no-referrer')
    headers.set('Cross-Origin-Opener-Policy', 'same-origin')
    headers.set('Cross-Origin-Resource-Policy', 'same-origin')
    if (options.secure) {
      headers.set('Strict-Transport-Security', 'max-age=31536000; includeSubDomains')
    }
  }
}
