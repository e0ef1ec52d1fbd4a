/** Hands the tab's client to the screens, and turns its live queries into snapshots for React. */
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react'
import { inNextFrame } from './frame-batch.ts'
import type { LiveQuery, RemoteClient } from './types.ts'

const ClientContext = createContext<RemoteClient | undefined>(undefined)

export const ClientProvider = ClientContext.Provider

export function useClient(): RemoteClient {
  const client = useContext(ClientContext)
  if (client === undefined) throw new Error('a screen is used outside of ClientProvider')
  return client
}

export function useLive<T>(query: LiveQuery<T>): T {
  const subscribe = useCallback(
    (listener: () => void) => query.subscribe(() => inNextFrame(listener)),
    [query],
  )
  return useSyncExternalStore(subscribe, () => query.getSnapshot())
}
