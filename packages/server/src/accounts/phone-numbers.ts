/**
 * Phone numbers at the edge: parsed to E.164 once, and masked wherever they could be logged (S14).
 */
import { createRequire } from 'node:module'
import type { CountryCode } from 'libphonenumber-js/max'
import { ApiError } from '../api-error.ts'

/**
 * The rules of all countries take 3 MB and 20 ms, and few who come are new here. Not by `import()`,
 * whose time would be the system's and not the simulator's.
 */
const require = createRequire(import.meta.url)
const rules = () => require('libphonenumber-js/max') as typeof import('libphonenumber-js/max')

const inputCharactersMax = 40

/** E.164. Throws `invalid-phone`; a number without country code counts in the default country. */
export function parsePhone(text: string, defaultCountry: string | undefined): string {
  if (text.length > inputCharactersMax) throw new ApiError('invalid-phone')
  const parsed = rules().parsePhoneNumberFromString(text, {
    ...(defaultCountry && { defaultCountry: defaultCountry as CountryCode }),
    extract: false,
  })
  if (!parsed?.isValid() || parsed.ext) throw new ApiError('invalid-phone')
  return parsed.number
}

/** `+4915…78`: enough for an operator to recognise a number that he was told. */
export function maskPhone(phone: string): string {
  return `${phone.slice(0, 5)}…${phone.slice(-2)}`
}
