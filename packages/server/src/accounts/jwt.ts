/**
 * JWTs of one kind alone: signed with Ed25519 under a key that we have ourselves, and with no more
 * in the header than that takes (RFC 7519, RFC 8037). With one algorithm there is nothing to
 * choose, so what a header says decides nothing but which of our keys is tried.
 */
import { type KeyObject, sign, verify } from 'node:crypto'

export interface Jwt {
  kid: string
  claims: Readonly<Record<string, unknown>>
}

export interface JwtKind {
  /** `typ` of the header, exactly. */
  type: string
  /** Undefined for a kid that is not ours. */
  keyOf(kid: string): Promise<KeyObject | undefined>
}

const algorithm = 'EdDSA'
/** Three parts of base64url; an Ed25519 signature has 64 bytes. */
const shape = /^([\w-]+)\.([\w-]+)\.([\w-]{86})$/

export function signJwt({ kid, claims }: Jwt, type: string, privateKey: KeyObject): string {
  const signed = `${encode({ alg: algorithm, typ: type, kid })}.${encode(claims)}`
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
}

/** The claims, not looked at, of a token that is of this kind and signed by us. */
export async function verifyJwt(token: string, kind: JwtKind): Promise<Jwt | undefined> {
  const [, head = '', payload = '', signature = ''] = shape.exec(token) ?? []
  const { alg, typ, kid, ...others } = decode(head) ?? {}
  if (alg !== algorithm || typ !== kind.type || typeof kid !== 'string') return undefined
  if (Object.keys(others).length > 0) return undefined
  const key = await kind.keyOf(kid)
  if (!key) return undefined
  const signed = Buffer.from(`${head}.${payload}`)
  if (!verify(null, signed, key, Buffer.from(signature, 'base64url'))) return undefined
  const claims = decode(payload)
  return claims && { kid, claims }
}

/** The claims of a token that was verified before. */
export function claimsOf(token: string): Jwt['claims'] | undefined {
  return decode(token.split('.', 2)[1] ?? '')
}

function encode(value: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
