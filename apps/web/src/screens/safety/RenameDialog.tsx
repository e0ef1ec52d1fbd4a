/** The name under which one keeps a person; only this account sees it. */
import { type FormEvent, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import { type Conversation, useChat } from '../../client/queries.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { TextField } from '../../ui/TextField.tsx'

interface RenameDialogProps {
  conversation: Conversation
  onClose: () => void
}

export function RenameDialog({ conversation, onClose }: RenameDialogProps) {
  const client = useClient()
  const header = useChat(conversation)
  const [name, setName] = useState(header?.title ?? '')
  const [error, setError] = useState<string | undefined>(undefined)
  const save = async () => {
    try {
      await client.setContactName(conversation, name.trim())
      onClose()
    } catch (failure) {
      setError(problemOf(failure).says)
    }
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void save()
  }
  return (
    <Dialog title="Change name" onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <TextField
          label="Name"
          autoFocus
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={error}
          hint="Only you see this name. Empty shows the one they gave themselves."
        />
        <Button type="submit" className="mt-4 w-full">
          Save
        </Button>
      </form>
    </Dialog>
  )
}
