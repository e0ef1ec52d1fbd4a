/**
 * What SQLite's result codes mean to the store, for both drivers. The message never carries values
 * of a statement, only what SQLite says.
 */
import { StoreError } from '../platform/ports.ts'

const busy = 5
const locked = 6
const corrupt = 11
const full = 13
const notADatabase = 26

/** `code` is a plain or an extended result code. */
export function storeErrorOf(code: number, message: string): StoreError {
  switch (code & 0xff) {
    case busy:
    case locked:
      return new StoreError('busy', message)
    case corrupt:
    case notADatabase:
      return new StoreError('corrupt', message)
    case full:
      return new StoreError('full', message)
    default:
      return new StoreError('failed', message)
  }
}
