/** A chat opened by link with somebody who is not in the list yet: looks them up. */
import { useEffect, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import type { Conversation } from '../../client/queries.ts'
import type { ClientProblem } from '../../client/types.ts'

interface Stranger {
  problem: ClientProblem | undefined
  retry: () => void
}

export function useStranger(conversation: Conversation, isStranger: boolean): Stranger {
  const client = useClient()
  const [problem, setProblem] = useState<ClientProblem | undefined>(undefined)
  const [tries, setTries] = useState(0)
  useEffect(() => {
    if (!isStranger) return
    let isCurrent = true
    client.findContact(conversation).then(
      () => isCurrent && setProblem(undefined),
      (error: unknown) => isCurrent && setProblem(problemOf(error)),
    )
    return () => {
      isCurrent = false
    }
    // Each further try looks again.
  }, [client, conversation, isStranger, tries])
  return { problem, retry: () => setTries((count) => count + 1) }
}
