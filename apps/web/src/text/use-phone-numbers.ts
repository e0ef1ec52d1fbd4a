/**
 * Fetches the phone number rules when a field for a number appears, and knows the country to start
 * with.
 */
import { useEffect, useState } from 'react'

export type PhoneNumbers = typeof import('./phone-numbers.ts')

let loaded: Promise<PhoneNumbers> | undefined

export function loadPhoneNumbers(): Promise<PhoneNumbers> {
  loaded ??= import('./phone-numbers.ts').catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

export function usePhoneNumbers(): PhoneNumbers | undefined {
  const [phoneNumbers, setPhoneNumbers] = useState<PhoneNumbers | undefined>(undefined)
  useEffect(() => {
    // Without the rules numbers can still be typed with their country code.
    loadPhoneNumbers().then(setPhoneNumbers, () => undefined)
  }, [])
  return phoneNumbers
}

/** The country of the browser's first language that names or implies one. */
export function homeCountry(): string {
  for (const language of navigator.languages) {
    const region = new Intl.Locale(language).maximize().region
    if (region !== undefined && /^[A-Z]{2}$/.test(region)) return region
  }
  return 'US'
}

/** +4915112345678 from whatever was written; undefined when it is no number. */
export async function readPhoneNumber(
  written: string,
  country: string,
): Promise<string | undefined> {
  try {
    return (await loadPhoneNumbers()).toE164(written, country)
  } catch {
    const digits = written.replace(/[^\d+]/g, '')
    return /^\+\d{6,15}$/.test(digits) ? digits : undefined
  }
}
