/**
 * The quiet lines at the top: the state of the network, a private window, a revoked device, a newer
 * version.
 */
import { useSyncExternalStore } from 'react'
import { useAccount, useConnection, useEngine } from '../../client/queries.ts'
import type { ConnectionState } from '../../client/types.ts'
import { useLate } from '../../platform/clock.ts'
import { newVersion } from '../../platform/new-version.ts'
import { useWindowState } from '../../state/window-state.ts'
import { Bar, BarButton } from '../../ui/Bar.tsx'
import { OfflineIcon, WarningIcon } from '../../ui/icons.tsx'

export function StatusBars() {
  const engine = useEngine()
  const account = useAccount()
  const setEnrolling = useWindowState((state) => state.setEnrolling)
  const updateWaits = useSyncExternalStore(newVersion.subscribe, newVersion.getSnapshot)
  const isRevoked = account?.kind === 'revoked'
  return (
    <section aria-label="Notices">
      {isRevoked && (
        <Bar
          tone="warning"
          icon={<WarningIcon />}
          action={<BarButton onClick={() => setEnrolling(true)}>Register again</BarButton>}
        >
          This device is no longer on its account. What was not sent waits until you register again.
        </Bar>
      )}
      {!isRevoked && <ConnectionBar />}
      {engine.kind === 'ready' && !engine.persistent && (
        <Bar tone="warning" icon={<WarningIcon />}>
          This is a private window: messages and keys are gone when its last tab closes.
        </Bar>
      )}
      {updateWaits && (
        <Bar tone="info" action={<BarButton onClick={newVersion.take}>Reload</BarButton>}>
          A new version of Parley is here.
        </Bar>
      )}
    </section>
  )
}

/** Short waits are not worth a word: a connection is usually there within the delay. */
const patienceMs = 700

function ConnectionBar() {
  const connection = useConnection()
  const browserOnline = useSyncExternalStore(onNetworkChange, () => navigator.onLine)
  const words = wordsFor(connection, browserOnline)
  const isOnline = browserOnline && connection?.status === 'online'
  const late = useLate(words !== undefined, patienceMs)
  return (
    <div role="status" data-testid="connection">
      {late && words !== undefined && (
        <Bar tone="warning" icon={isOnline ? <WarningIcon /> : <OfflineIcon />}>
          {words}
        </Bar>
      )}
    </div>
  )
}

function wordsFor(
  connection: ConnectionState | undefined,
  browserOnline: boolean,
): string | undefined {
  if (connection === undefined) return undefined
  // The browser knows of a missing network before the connection falls silent.
  if (!browserOnline) return 'Waiting for network'
  const problem = wordsForProblem(connection)
  switch (connection.status) {
    case 'online':
      // Such as a clock that is wrong: nothing stops for it, and it wants mending.
      return connection.problem?.says
    case 'connecting':
      return problem ?? 'Connecting…'
    case 'catching-up':
      return 'Updating…'
    case 'offline':
      return problem ?? 'Waiting for network'
    case 'stopped':
      return problem
  }
}

function wordsForProblem({ problem }: ConnectionState): string | undefined {
  if (problem?.code === 'server-unreachable') return 'Connecting… The server does not answer yet.'
  return problem?.says
}

function onNetworkChange(listener: () => void): () => void {
  addEventListener('online', listener)
  addEventListener('offline', listener)
  return () => {
    removeEventListener('online', listener)
    removeEventListener('offline', listener)
  }
}
