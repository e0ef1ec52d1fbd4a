/** Tells the other side that somebody is typing: at most every few seconds, and when it stopped. */
import { useCallback, useEffect, useRef } from 'react'
import { useClient } from '../../client/client-context.ts'
import type { Conversation } from '../../client/queries.ts'
import { after, now } from '../../platform/clock.ts'

const everyMs = 3_000
const idleMs = 5_000

export function useTyping(conversation: Conversation): (active: boolean) => void {
  const client = useClient()
  const toldAtMs = useRef(0)
  const cancelIdle = useRef(() => {})
  const tell = useCallback(
    (active: boolean) => {
      cancelIdle.current()
      const isRepeat = active ? now() - toldAtMs.current < everyMs : toldAtMs.current === 0
      if (active) cancelIdle.current = after(idleMs, () => tell(false))
      if (isRepeat) return
      toldAtMs.current = active ? now() : 0
      // Typing that could not be told is old before it could be told again.
      client.setTyping(conversation, active).catch(() => undefined)
    },
    [client, conversation],
  )
  useEffect(() => () => tell(false), [tell])
  return tell
}
