/** Last step of registering: the recovery key, which is shown this once. */
import { useEffect } from 'react'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyField.tsx'
import { RegisterFrame } from './RegisterFrame.tsx'

export function RecoveryKeyStep({
  recoveryKey,
  onDone,
}: {
  recoveryKey: string
  onDone: () => void
}) {
  useAskBeforeLeaving()
  return (
    <RegisterFrame
      title="Your recovery key"
      lead="Write it down or keep it in a password manager. It keeps your identity if this device is lost. It is shown only now, and nobody else has it."
      onSubmit={onDone}
    >
      <output
        aria-label="Recovery key"
        data-testid="recovery-key"
        dir="ltr"
        className="secret fc-border block rounded-xl bg-sunk p-4 font-mono text-body leading-6 select-all"
      >
        {(recoveryKey.match(/.{1,4}/g) ?? []).map((group, index) => (
          <span key={`${index}-${group}`} className="me-2.5 inline-block">
            {group}
          </span>
        ))}
      </output>
      <div className="mt-3 flex flex-wrap items-center gap-3">
        <CopyButton text={recoveryKey} label="Copy" />
      </div>
      <Button type="submit" className="mt-5 w-full">
        I have written it down
      </Button>
    </RegisterFrame>
  )
}

/** A reload would take the key away for good. */
function useAskBeforeLeaving(): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [])
}
