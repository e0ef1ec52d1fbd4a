/**
 * A phone number with the country it is dialled in. Writing + takes the country from the number.
 */
import { useMemo } from 'react'
import { TextField } from '../../ui/TextField.tsx'
import { usePhoneNumbers } from '../../text/use-phone-numbers.ts'

interface PhoneFieldProps {
  phone: string
  country: string
  error: string | undefined
  onPhone: (phone: string) => void
  onCountry: (country: string) => void
}

export function PhoneField({ phone, country, error, onPhone, onCountry }: PhoneFieldProps) {
  const phoneNumbers = usePhoneNumbers()
  const countries = useMemo(() => phoneNumbers?.listCountries() ?? [], [phoneNumbers])
  const chosen = countries.find((candidate) => candidate.code === country)
  const changePhone = (written: string) => {
    onPhone(written)
    const named = phoneNumbers?.countryOf(written)
    if (named !== undefined) onCountry(named)
  }
  return (
    <div className="flex flex-col gap-4">
      <label className="block">
        <span className="mb-1.5 block text-small font-medium text-soft">Country</span>
        <select
          value={country}
          onChange={(event) => onCountry(event.target.value)}
          className="fc-border h-11 w-full rounded-xl bg-sunk px-3 text-body text-ink"
        >
          {chosen === undefined && <option value={country}>{country}</option>}
          {countries.map(({ code, name, callingCode }) => (
            <option key={code} value={code}>{`${name} (+${callingCode})`}</option>
          ))}
        </select>
      </label>
      <TextField
        label="Phone number"
        type="tel"
        dir="ltr"
        inputMode="tel"
        autoComplete="tel"
        autoFocus
        value={phone}
        onChange={(event) => changePhone(event.target.value)}
        error={error}
        hint="A code is sent to it. People who know the number can find you."
      />
    </div>
  )
}
