/** Registering, step by step: number, code, name, and the recovery key at the end. */
import { CodeStep } from './CodeStep.tsx'
import { NameStep } from './NameStep.tsx'
import { PhoneStep } from './PhoneStep.tsx'
import { RecoveryKeyStep } from './RecoveryKeyStep.tsx'
import { useRegistration } from './use-registration.ts'

export function RegisterScreen() {
  const registration = useRegistration()
  const { stage, typed, step, newKey, busy, refusal, type, goTo } = registration
  if (stage === 'recovery-key') {
    return <RecoveryKeyStep recoveryKey={newKey} onDone={registration.done} />
  }
  if (step === undefined || stage === 'phone') {
    return (
      <PhoneStep
        phone={typed.phone}
        country={typed.country}
        onPhone={(phone) => type({ phone })}
        onCountry={(country) => type({ country })}
        onSent={registration.sent}
        onBack={registration.isAgain ? registration.done : undefined}
      />
    )
  }
  if (stage === 'code') {
    return (
      <CodeStep
        step={step}
        code={typed.code}
        refused={refusal}
        onCode={(code) => type({ code })}
        onContinue={() => goTo('name')}
        onSentAgain={registration.sent}
        onBack={() => goTo('phone')}
      />
    )
  }
  return (
    <NameStep
      name={typed.name}
      recoveryKey={typed.recoveryKey}
      busy={busy}
      error={refusal}
      onName={(name) => type({ name })}
      onRecoveryKey={(recoveryKey) => type({ recoveryKey })}
      onContinue={() => void registration.finish(step.registration)}
      onBack={() => goTo('code')}
    />
  )
}
