/** Numbers as people write them. */
import { expect, test } from 'bun:test'
import { countryOf, forReading, listCountries, toE164 } from './phone-numbers.ts'

test('a number is read in national and international form', () => {
  for (const written of ['0151 12345678', '+49 151 12345678', '0049 151/12345678']) {
    expect(toE164(written, 'DE')).toBe('+4915112345678')
  }
  expect(toE164('+1 (415) 555-2671', 'DE')).toBe('+14155552671')
})

test('what cannot be a number is refused', () => {
  for (const written of ['', '12', 'abc', '+49', '+4915112345678901234']) {
    expect(toE164(written, 'DE')).toBeUndefined()
  }
})

test('the country follows from the code', () => {
  expect(countryOf('+49151')).toBe('DE')
  expect(countryOf('0033 1')).toBe('FR')
  expect(countryOf('0151')).toBeUndefined()
})

test('countries have names and codes', () => {
  const germany = listCountries().find((country) => country.code === 'DE')
  expect(germany?.callingCode).toBe('49')
  expect(forReading('+4915112345678')).toBe('+49 1511 2345678')
})
