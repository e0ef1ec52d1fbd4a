/** Says when the browser might clear the messages, and asks it not to. */
import { useEffect, useState } from 'react'
import { isStorageKept, keepStorage } from '../../platform/storage.ts'
import { Button } from '../../ui/Button.tsx'

type Answer = 'kept' | 'evictable' | 'refused' | 'unknown'

export function StorageNote() {
  const [answer, setAnswer] = useState<Answer>('unknown')
  useEffect(() => {
    let isCurrent = true
    void isStorageKept().then((kept) => {
      if (isCurrent && kept !== undefined) setAnswer(kept ? 'kept' : 'evictable')
    })
    return () => {
      isCurrent = false
    }
  }, [])
  const ask = async () => setAnswer((await keepStorage()) ? 'kept' : 'refused')
  if (answer === 'unknown' || answer === 'kept') return null
  return (
    <section className="mt-6">
      <h3 className="mb-1 text-small font-medium text-soft">Storage</h3>
      <p className="mb-2 text-small text-warning">
        {answer === 'refused'
          ? 'The browser keeps the right to clear Parley’s messages when space runs low. Installing Parley as an app usually changes that.'
          : 'This browser may clear Parley’s messages when space runs low.'}
      </p>
      {answer === 'evictable' && (
        <Button tone="quiet" onClick={() => void ask()}>
          Keep my messages
        </Button>
      )}
    </section>
  )
}
