/**
 * Third step of registering: the name others see, and the recovery key of an earlier registration,
 * if there was one.
 */
import { useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { FieldError, TextField } from '../../ui/TextField.tsx'
import { RegisterFrame } from './RegisterFrame.tsx'

interface NameStepProps {
  name: string
  recoveryKey: string
  busy: boolean
  error: string | undefined
  onName: (name: string) => void
  onRecoveryKey: (recoveryKey: string) => void
  onContinue: () => void
  onBack: () => void
}

export function NameStep(props: NameStepProps) {
  const { name, recoveryKey, busy, error, onName, onRecoveryKey, onContinue, onBack } = props
  const [asked, setAsked] = useState(recoveryKey !== '')
  return (
    <RegisterFrame
      title="Your name"
      lead="People you write to see it. The server does not."
      onSubmit={onContinue}
      onBack={onBack}
    >
      <TextField
        label="Your name"
        hideLabel
        autoComplete="name"
        autoFocus
        maxLength={80}
        value={name}
        onChange={(event) => onName(event.target.value)}
      />
      {asked ? (
        <div className="mt-4">
          <TextField
            label="Recovery key"
            dir="ltr"
            autoComplete="off"
            spellCheck={false}
            value={recoveryKey}
            onChange={(event) => onRecoveryKey(event.target.value)}
            hint="Leave it empty to go on without. Your contacts are then told that your safety number changed."
            className="font-mono"
          />
        </div>
      ) : (
        <p className="mt-4 text-small text-soft">
          This number has been used before? Enter its recovery key to keep your identity, or go on
          without.{' '}
          <button
            type="button"
            className="min-h-6 rounded font-semibold text-accent underline underline-offset-2 touch:min-h-11"
            onClick={() => setAsked(true)}
          >
            Enter recovery key
          </button>
        </p>
      )}
      {error !== undefined && <FieldError>{error}</FieldError>}
      <Button type="submit" className="mt-5 w-full" disabled={busy || name.trim() === ''}>
        {busy ? 'Making your keys…' : 'Continue'}
      </Button>
    </RegisterFrame>
  )
}
