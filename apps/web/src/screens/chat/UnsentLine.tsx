/** Under a message that was not sent: why, and the way to try again. */
import { useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import type { TimelineItem } from '../../client/types.ts'
import { FailedIcon } from '../../ui/icons.tsx'

export function UnsentLine({ item }: { item: TimelineItem }) {
  const client = useClient()
  const [failure, setFailure] = useState<string | undefined>(undefined)
  const retry = () => {
    setFailure(undefined)
    client.retry(item.id).catch((error: unknown) => setFailure(problemOf(error).says))
  }
  const reason = failure ?? item.failure?.says
  return (
    <div className="flex max-w-[84%] flex-col items-end text-small">
      <button
        type="button"
        tabIndex={-1}
        onClick={retry}
        className="flex min-h-6 items-center gap-1.5 rounded font-medium text-danger touch:min-h-11"
      >
        <FailedIcon />
        Not sent. Try again
      </button>
      {reason !== undefined && <span className="text-end text-faint">{reason}</span>}
    </div>
  )
}
