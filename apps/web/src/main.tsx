/** Entry of the page: checks that the browser can do it, connects to the engine, draws the app. */
import './styles/app.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { ClientProvider } from './client/client-context.ts'
import { connect } from './client/connect.ts'
import { keepAppOffline } from './platform/new-version.ts'
import { missingAbility } from './platform/abilities.ts'
import { ErrorBoundary } from './screens/trouble/ErrorBoundary.tsx'
import { TroubleScreen } from './screens/trouble/TroubleScreen.tsx'

const container = document.getElementById('root')
if (container === null) throw new Error('index.html has no root')
const root = createRoot(container)
const missing = missingAbility()

if (missing !== undefined) {
  const problem = { code: 'no-crypto', says: missing } as const
  root.render(<TroubleScreen problem={problem} onReload={() => location.reload()} />)
} else {
  root.render(
    <StrictMode>
      <ErrorBoundary>
        <ClientProvider value={connect()}>
          <App />
        </ClientProvider>
      </ErrorBoundary>
    </StrictMode>,
  )
  if (import.meta.env.PROD) void keepAppOffline()
}
