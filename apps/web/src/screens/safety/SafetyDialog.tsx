/** The safety number with somebody: sixty digits to compare, and whether that was done. */
import { useEffect, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import { type Conversation, useChat } from '../../client/queries.ts'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyField.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { SafetyIcon } from '../../ui/icons.tsx'
import { FieldError } from '../../ui/TextField.tsx'

interface SafetyDialogProps {
  conversation: Conversation
  onClose: () => void
}

export function SafetyDialog({ conversation, onClose }: SafetyDialogProps) {
  const client = useClient()
  const header = useChat(conversation)
  const { digits, problem } = useSafetyNumber(conversation)
  const [failure, setFailure] = useState<string | undefined>(undefined)
  const name = header?.title ?? 'this person'
  const isVerified = header?.verified === true
  const setVerified = (verified: boolean) => {
    setFailure(undefined)
    client
      .setVerified(conversation, verified, verified ? digits : undefined)
      .catch((error: unknown) => setFailure(problemOf(error).says))
  }
  const shownProblem = failure ?? problem
  return (
    <Dialog
      title="Safety number"
      onClose={onClose}
      description={`Compare these digits with ${name}, face to face or in a call. If they are the same on both devices, nobody reads along.`}
    >
      {digits !== undefined && <Digits digits={digits} />}
      {shownProblem !== undefined && <FieldError>{shownProblem}</FieldError>}
      {digits !== undefined && (
        <div className="mt-5 flex flex-wrap items-center gap-2">
          <Button tone={isVerified ? 'quiet' : 'accent'} onClick={() => setVerified(!isVerified)}>
            {isVerified ? 'Mark as not verified' : 'Mark as verified'}
          </Button>
          <CopyButton text={digits} label="Copy" />
        </div>
      )}
      <p role="status" className="mt-3 flex items-center gap-2 text-small text-soft">
        {isVerified && (
          <>
            <SafetyIcon className="text-accent" /> You verified {name}.
          </>
        )}
      </p>
    </Dialog>
  )
}

function useSafetyNumber(conversation: Conversation) {
  const client = useClient()
  const [digits, setDigits] = useState<string | undefined>(undefined)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  useEffect(() => {
    let isCurrent = true
    client.safetyNumber(conversation).then(
      (number) => isCurrent && setDigits(number),
      (error: unknown) => isCurrent && setProblem(problemOf(error).says),
    )
    return () => {
      isCurrent = false
    }
  }, [client, conversation])
  return { digits, problem }
}

/** Twelve groups of five, as people read them out. */
function Digits({ digits }: { digits: string }) {
  const groups = digits.replace(/\D/g, '').match(/.{1,5}/g) ?? []
  return (
    <p
      data-testid="safety-number"
      dir="ltr"
      className="fc-border grid grid-cols-4 gap-x-2 gap-y-1.5 rounded-xl bg-sunk p-4 text-center font-mono text-lead"
    >
      {groups.map((group, index) => (
        <span key={`${index}-${group}`}>{group}</span>
      ))}
    </p>
  )
}
