/** Asks for the open chat's presence while the page is visible. */
import { useEffect } from 'react'
import { useClient } from '../../client/client-context.ts'
import type { Conversation } from '../../client/queries.ts'

export function usePresence(conversation: Conversation): void {
  const client = useClient()
  useEffect(() => {
    const watch = (whose: Conversation | undefined) => {
      // Without an engine there is nobody to ask; it is asked again when the page is shown.
      client.watchPresence(whose).catch(() => undefined)
    }
    const follow = () => watch(document.visibilityState === 'visible' ? conversation : undefined)
    follow()
    document.addEventListener('visibilitychange', follow)
    return () => {
      document.removeEventListener('visibilitychange', follow)
      watch(undefined)
    }
  }, [client, conversation])
}
