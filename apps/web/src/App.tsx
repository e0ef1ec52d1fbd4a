/** Decides what the window shows: trouble, registering, or the chats. */
import { lazy, Suspense } from 'react'
import { useClient } from './client/client-context.ts'
import { useAccount, useEngine } from './client/queries.ts'
import { RegisterScreen } from './screens/register/RegisterScreen.tsx'
import { TroubleScreen } from './screens/trouble/TroubleScreen.tsx'
import { useWindowState } from './state/window-state.ts'

const ChatsScreen = lazy(() =>
  import('./screens/chats/ChatsScreen.tsx').then((module) => ({ default: module.ChatsScreen })),
)

export function App() {
  const client = useClient()
  const engine = useEngine()
  const account = useAccount()
  const enrolling = useWindowState((state) => state.enrolling)
  if (engine.kind === 'failed') {
    return (
      <TroubleScreen
        problem={engine.problem}
        onReload={() => location.reload()}
        onReset={async () => {
          await client.logout()
          location.reload()
        }}
      />
    )
  }
  // The local database answers within the first moments; an empty page is calmer than a flash.
  if (account === undefined) return null
  if (account.kind === 'none' || enrolling) return <RegisterScreen />
  return (
    <Suspense>
      <ChatsScreen />
    </Suspense>
  )
}
