/** People this device knows, by name, to start a chat with one of them. */
import { useEffect, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import type { Contact } from '../../client/types.ts'
import { Avatar } from '../../ui/Avatar.tsx'

const shownMax = 200

export function KnownPeople({ onChoose }: { onChoose: (contact: Contact) => void }) {
  const client = useClient()
  const [people, setPeople] = useState<readonly Contact[]>([])
  useEffect(() => {
    let isCurrent = true
    client.contacts().then(
      (contacts) => isCurrent && setPeople(byName(contacts)),
      // Numbers and links still work.
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [client])
  if (people.length === 0) return null
  return (
    <section aria-labelledby="known-people" className="mt-5">
      <h3 id="known-people" className="mb-1 text-small font-medium text-soft">
        People you know
      </h3>
      <ul className="-mx-2">
        {people.map((contact) => (
          <li key={contact.account}>
            <button
              type="button"
              onClick={() => onChoose(contact)}
              className="flex min-h-12 w-full items-center gap-3 rounded-xl px-2 text-start hover:bg-sunk"
            >
              <Avatar id={contact.account} name={nameOf(contact)} sizePx={36} />
              <span className="min-w-0 flex-1">
                <span dir="auto" className="block truncate text-start font-semibold">
                  {nameOf(contact)}
                </span>
                {contact.phone !== undefined && contact.name !== '' && (
                  <span className="block text-small text-faint tabular-nums">{contact.phone}</span>
                )}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function nameOf(contact: Contact): string {
  return contact.name || contact.phone || contact.account.slice(0, 8)
}

function byName(contacts: readonly Contact[]): Contact[] {
  const sorted = contacts.toSorted((left, right) => nameOf(left).localeCompare(nameOf(right)))
  return sorted.slice(0, shownMax)
}
