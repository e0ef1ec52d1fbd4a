/** Logging out, with what it costs. */
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FieldError } from '../../ui/TextField.tsx'

export function LogOutDialog({ onClose }: { onClose: () => void }) {
  const client = useClient()
  const [, navigate] = useLocation()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | undefined>(undefined)
  const logOut = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      await client.logout()
      navigate('/')
      onClose()
    } catch (error) {
      setFailure(problemOf(error).says)
      setBusy(false)
    }
  }
  return (
    <Dialog
      title="Log out of this browser?"
      onClose={onClose}
      description="All messages and keys in this browser are erased, also those that were not sent yet. To come back as the same person you need your recovery key."
    >
      {failure !== undefined && <FieldError>{failure}</FieldError>}
      <div className="flex justify-end gap-2">
        <Button tone="quiet" onClick={onClose}>
          Stay
        </Button>
        <Button tone="danger" disabled={busy} onClick={() => void logOut()}>
          {busy ? 'Erasing…' : 'Erase and log out'}
        </Button>
      </div>
    </Dialog>
  )
}
