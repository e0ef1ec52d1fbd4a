/**
 * Parsers of JSON from outside: each gives a typed value that holds nothing but what it names, or
 * throws a WireError.
 */
import { fromBase64, WireError } from '@parley/wire'

export type Parse<T> = (value: unknown) => T

export const text: Parse<string> = (value) => {
  if (typeof value !== 'string') throw new WireError('a text was expected')
  return value
}

/** A whole number that is not negative. */
export const count: Parse<number> = (value) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new WireError('a whole number was expected')
  }
  return value
}

export const bytes: Parse<Uint8Array> = (value) => {
  const decoded = fromBase64(text(value))
  if (!decoded) throw new WireError('base64url was expected')
  return decoded
}

export function literal<const T extends string>(wanted: T): Parse<T> {
  return (value) => {
    if (value !== wanted) throw new WireError(`${wanted} was expected`)
    return wanted
  }
}

export function optional<T>(parse: Parse<T>): Parse<T | undefined> {
  return (value) => (value === undefined || value === null ? undefined : parse(value))
}

export function list<T>(parse: Parse<T>): Parse<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new WireError('a list was expected')
    return value.map((item) => parse(item))
  }
}

export function shape<T>(fields: { [Key in keyof T]-?: Parse<T[Key]> }): Parse<T> {
  const entries = Object.entries(fields) as [keyof T & string, Parse<unknown>][]
  return (value) => {
    if (typeof value !== 'object' || value === null) throw new WireError('an object was expected')
    const parsed = entries.map(([key, parse]) => [
      key,
      parse(Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined),
    ])
    return Object.fromEntries(parsed) as T
  }
}
