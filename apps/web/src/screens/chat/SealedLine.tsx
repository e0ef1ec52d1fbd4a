/** The first line of a chat: that it is sealed, and whether the safety number was compared. */
import type { ChatHeader } from '../../client/types.ts'
import { LockIcon } from '../../ui/icons.tsx'

export function SealedLine({ header }: { header: ChatHeader | undefined }) {
  return (
    <p className="mt-auto px-6 pt-4 pb-2 text-center text-small text-faint">
      <LockIcon className="me-2 -mt-0.5 inline" />
      End-to-end encrypted.
      {header?.verified === true && ` You verified ${header.title}.`}
    </p>
  )
}
