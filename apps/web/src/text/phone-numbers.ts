/**
 * Phone numbers as people write them, by country. Loaded only where a number is asked for, because
 * the metadata is heavy; see use-phone-numbers.ts.
 */
import {
  AsYouType,
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/min'

export interface Country {
  code: string
  name: string
  callingCode: string
}

export function listCountries(): Country[] {
  const names = new Intl.DisplayNames(undefined, { type: 'region' })
  const countries = getCountries().map((code) => ({
    code,
    name: names.of(code) ?? code,
    callingCode: getCountryCallingCode(code),
  }))
  return countries.sort((left, right) => left.name.localeCompare(right.name))
}

/** The number with its country code, or undefined when it cannot be one. */
export function toE164(written: string, country: string): string | undefined {
  const number = parsePhoneNumberFromString(internationalOf(written), supported(country))
  return number?.isPossible() ? number.number : undefined
}

/** The country that a number begun with + belongs to. */
export function countryOf(written: string): string | undefined {
  const typed = new AsYouType()
  typed.input(internationalOf(written))
  return typed.getCountry()
}

export function forReading(e164: string): string {
  return parsePhoneNumberFromString(e164)?.formatInternational() ?? e164
}

/** 00 at the beginning is how many people write +. */
function internationalOf(written: string): string {
  return written.trim().replace(/^00(?=[1-9])/, '+')
}

function supported(country: string): CountryCode | undefined {
  return isSupportedCountry(country) ? country : undefined
}
