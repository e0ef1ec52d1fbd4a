/** A text to take along: shown, with a button that copies it and says so. */
import { type ReactNode, useState } from 'react'
import { Button } from './Button.tsx'
import { CopyIcon } from './icons.tsx'

interface CopyButtonProps {
  text: string
  label: string
  tone?: 'accent' | 'quiet'
  icon?: ReactNode
}

export function CopyButton({ text, label, tone = 'quiet', icon = <CopyIcon /> }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<'copied' | 'refused' | undefined>(undefined)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      setOutcome('refused')
    }
  }
  return (
    <>
      <Button tone={tone} onClick={() => void copy()}>
        {icon}
        {outcome === 'copied' ? 'Copied' : label}
      </Button>
      {outcome === 'refused' && (
        <span role="alert" className="text-small text-danger">
          The browser does not allow copying here. Select it and copy.
        </span>
      )}
    </>
  )
}
