/** Second step of registering: the code that came to the number, and a new one after a while. */
import { useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import type { RegistrationStep } from '../../client/types.ts'
import { Button } from '../../ui/Button.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { RegisterFrame } from './RegisterFrame.tsx'
import { useCountdown } from './use-countdown.ts'

interface CodeStepProps {
  step: RegistrationStep
  code: string
  /** Why an earlier code was refused. */
  refused: string | undefined
  onCode: (code: string) => void
  onContinue: () => void
  onSentAgain: (step: RegistrationStep) => void
  onBack: () => void
}

export function CodeStep(props: CodeStepProps) {
  const { step, code, refused, onCode, onContinue, onSentAgain, onBack } = props
  const client = useClient()
  const [error, setError] = useState(refused)
  const waitS = useCountdown(step.registration, step.resendInS)
  const sendAgain = async () => {
    setError(undefined)
    try {
      onSentAgain(await client.startRegistration(step.phone))
      onCode('')
    } catch (failure) {
      setError(problemOf(failure).says)
    }
  }
  const goOn = () => {
    if (code.length === step.codeDigits) onContinue()
    else setError(`The code has ${step.codeDigits} digits.`)
  }
  return (
    <RegisterFrame
      title="Enter the code"
      lead={
        <>
          It was sent to <bdi className="font-medium text-ink">{step.phone}</bdi>.
        </>
      }
      onSubmit={goOn}
      onBack={onBack}
    >
      <TextField
        label="Code"
        dir="ltr"
        inputMode="numeric"
        autoComplete="one-time-code"
        autoFocus
        value={code}
        onChange={(event) => {
          onCode(event.target.value.replace(/\D/g, '').slice(0, step.codeDigits))
          setError(undefined)
        }}
        error={error}
        className="text-title tracking-[0.3em] tabular-nums"
      />
      <Button type="submit" className="mt-5 w-full" disabled={code === ''}>
        Continue
      </Button>
      <Button
        tone="plain"
        className="mt-2 w-full"
        disabled={waitS > 0}
        onClick={() => void sendAgain()}
      >
        {waitS > 0 ? `Send a new code in ${waitS} s` : 'Send a new code'}
      </Button>
    </RegisterFrame>
  )
}
