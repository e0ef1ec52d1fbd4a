/**
 * What all decoders of frames share: a field that must be there, and one kind of error for whatever
 * is wrong.
 */
import { WireError } from './wire-error.ts'

export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new WireError(`${what} is missing`)
  return value
}

/** Runs a decoder of bytes from outside; it throws nothing but a WireError. */
export function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof WireError) throw error
    throw new WireError(`${what} cannot be decoded`)
  }
}
