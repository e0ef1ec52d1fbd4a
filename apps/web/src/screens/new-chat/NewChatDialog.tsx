/**
 * Starting a chat: by number, by link, or with somebody who is known already; and one's own link to
 * hand out.
 */
import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import { useAccount } from '../../client/queries.ts'
import type { Contact } from '../../client/types.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { pathOf } from '../chats/links.ts'
import { OwnLink } from '../settings/OwnLink.tsx'
import { readAlias } from './alias.ts'
import { KnownPeople } from './KnownPeople.tsx'

export function NewChatDialog({ onClose }: { onClose: () => void }) {
  const client = useClient()
  const account = useAccount()
  const [, navigate] = useLocation()
  const [written, setWritten] = useState('')
  const [error, setError] = useState<string | undefined>(undefined)
  const [busy, setBusy] = useState(false)

  const open = (contact: Contact) => {
    onClose()
    navigate(pathOf(contact.account))
  }
  const find = async () => {
    setBusy(true)
    setError(undefined)
    try {
      const ownPhone = account?.kind === 'registered' ? account.phone : ''
      const alias = await readAlias(written, ownPhone)
      if (alias === undefined) setError('Write a whole phone number, or paste a link.')
      else open(await client.findContact(alias))
    } catch (failure) {
      setError(problemOf(failure).says)
    }
    setBusy(false)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void find()
  }
  return (
    <Dialog title="New chat" onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <TextField
          label="Phone number or link"
          dir="ltr"
          autoComplete="off"
          autoFocus
          value={written}
          onChange={(event) => {
            setWritten(event.target.value)
            setError(undefined)
          }}
          error={error}
          hint="A number without + is taken as one of your own country."
        />
        <Button type="submit" className="mt-4 w-full" disabled={busy || written.trim() === ''}>
          {busy ? 'Looking…' : 'Start chat'}
        </Button>
      </form>
      <KnownPeople onChoose={open} />
      <OwnLink />
    </Dialog>
  )
}
