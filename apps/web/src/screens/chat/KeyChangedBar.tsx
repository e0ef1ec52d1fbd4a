/**
 * Above the composer while a changed safety number has not been looked at; sending waits for that.
 */
import { useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import type { Conversation } from '../../client/queries.ts'
import { useWindowState } from '../../state/window-state.ts'
import { Button } from '../../ui/Button.tsx'
import { WarningIcon } from '../../ui/icons.tsx'

interface KeyChangedBarProps {
  conversation: Conversation
  title: string
}

export function KeyChangedBar({ conversation, title }: KeyChangedBarProps) {
  const client = useClient()
  const show = useWindowState((state) => state.show)
  const [failure, setFailure] = useState<string | undefined>(undefined)
  const accept = () => {
    client.acceptKey(conversation).catch((error: unknown) => setFailure(problemOf(error).says))
  }
  return (
    <section
      aria-label="Safety number changed"
      className="fc-border flex flex-wrap items-center justify-center gap-x-3 gap-y-2 border-t border-line bg-warning-bg px-4 py-2.5 text-small text-warning"
    >
      <WarningIcon className="shrink-0" />
      <p className="min-w-0 flex-1 basis-64">
        {failure ?? (
          <>
            Your safety number with <bdi>{title}</bdi> changed. They may have registered anew, or
            somebody else has their number. Compare it to be sure who is there.
          </>
        )}
      </p>
      <span className="flex gap-2">
        <Button tone="quiet" onClick={() => show({ kind: 'safety', conversation })}>
          View safety number
        </Button>
        <Button onClick={accept}>OK</Button>
      </span>
    </section>
  )
}
