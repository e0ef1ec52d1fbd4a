/** First step of registering: the number, to which the server sends a code. */
import { useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import type { RegistrationStep } from '../../client/types.ts'
import { readPhoneNumber } from '../../text/use-phone-numbers.ts'
import { Button } from '../../ui/Button.tsx'
import { PhoneField } from './PhoneField.tsx'
import { RegisterFrame } from './RegisterFrame.tsx'

interface PhoneStepProps {
  phone: string
  country: string
  onPhone: (phone: string) => void
  onCountry: (country: string) => void
  onSent: (step: RegistrationStep) => void
  /** Back to the chats, where there are any. */
  onBack: (() => void) | undefined
}

export function PhoneStep(props: PhoneStepProps) {
  const { phone, country, onPhone, onCountry, onSent, onBack } = props
  const client = useClient()
  const [error, setError] = useState<string | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const ask = async () => {
    setBusy(true)
    setError(undefined)
    try {
      const number = await readPhoneNumber(phone, country)
      if (number === undefined) {
        setError('That is not a whole phone number. Check it, or write it with + and country code.')
      } else {
        onSent(await client.startRegistration(number))
      }
    } catch (failure) {
      setError(problemOf(failure).says)
    }
    setBusy(false)
  }
  const changePhone = (written: string) => {
    onPhone(written)
    setError(undefined)
  }
  return (
    <RegisterFrame
      title="Your phone number"
      lead="Messages are sealed on your device; the server passes them on and cannot read them."
      onSubmit={() => void ask()}
      onBack={onBack}
    >
      <PhoneField
        phone={phone}
        country={country}
        error={error}
        onPhone={changePhone}
        onCountry={onCountry}
      />
      <Button type="submit" className="mt-5 w-full" disabled={busy || phone.trim() === ''}>
        {busy ? 'Sending the code…' : 'Continue'}
      </Button>
    </RegisterFrame>
  )
}
