/**
 * When the engine cannot start, or the app itself failed: what happened, what helps, what it costs.
 */
import { type ReactNode, useState } from 'react'
import { problemOf } from '../../client/problems.ts'
import type { ClientProblem } from '../../client/types.ts'
import { Button } from '../../ui/Button.tsx'
import { WarningIcon } from '../../ui/icons.tsx'

interface TroubleScreenProps {
  problem: ClientProblem
  onReload: () => void
  /** Erases the local database; offered when nothing else helps. */
  onReset?: (() => Promise<void>) | undefined
}

export function TroubleScreen({ problem, onReload, onReset }: TroubleScreenProps) {
  const canReset = problem.code === 'store-corrupt' && onReset !== undefined
  return (
    <main className="flex h-full overflow-y-auto bg-bg p-4">
      <div className="m-auto w-full max-w-110 rounded-2xl bg-panel p-6">
        <h1 className="mb-2 flex items-center gap-2 text-title font-semibold">
          <WarningIcon className="text-warning" />
          {titleOf(problem)}
        </h1>
        <p className="text-body text-soft">{adviceFor(problem)}</p>
        <div className="mt-5 flex flex-wrap gap-2">
          <Button onClick={onReload}>Reload</Button>
        </div>
        {canReset && <Reset onReset={onReset} />}
      </div>
    </main>
  )
}

function titleOf({ code }: ClientProblem): ReactNode {
  switch (code) {
    case 'store-corrupt':
      return 'The local database is damaged'
    case 'store-newer':
      return 'The local database is of a newer version'
    case 'disk-full':
      return 'There is no room left'
    case 'no-crypto':
      return 'This browser cannot run Parley'
    case 'profile-busy':
      return 'Parley is open elsewhere'
    default:
      return 'Parley could not start'
  }
}

/** What helps in a browser; the engine's own words are for every place it runs in. */
function adviceFor({ code, says }: ClientProblem): string {
  switch (code) {
    case 'store-corrupt':
      return 'What this browser has stored for Parley cannot be read. Reload first. If that does not help, start afresh: messages that are only here are lost then.'
    case 'store-newer':
      return 'A newer Parley has written it. Reload to get that version; if it stays like this, ask who runs the server to update it.'
    default:
      return says
  }
}

function Reset({ onReset }: { onReset: () => Promise<void> }) {
  const [asked, setAsked] = useState(false)
  const [failure, setFailure] = useState<string | undefined>(undefined)
  const reset = () => {
    onReset().catch((error: unknown) => setFailure(problemOf(error).says))
  }
  if (!asked) {
    return (
      <Button tone="plain" className="mt-3 -ms-4" onClick={() => setAsked(true)}>
        Start afresh in this browser…
      </Button>
    )
  }
  return (
    <div className="mt-4 border-t border-line pt-4">
      <p className="text-body">
        This erases all messages and keys in this browser, also what was not sent yet. You register
        again; with your recovery key you stay the same person.
      </p>
      <Button tone="danger" className="mt-3" onClick={reset}>
        Erase and start afresh
      </Button>
      <p role="alert" className="mt-2 text-small text-danger">
        {failure}
      </p>
    </div>
  )
}
