/**
 * Phone numbers at the edge: parsed to E.164 once, and masked wherever they could be logged (S14).
 */
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { ApiError } from '../api-error.ts'

const inputCharactersMax = 40

/** E.164. Throws `invalid-phone`; a number without country code counts in the default country. */
export function parsePhone(text: string, defaultCountry: string | undefined): string {
  if (text.length > inputCharactersMax) throw new ApiError('invalid-phone')
  const parsed = parsePhoneNumberFromString(text, {
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
