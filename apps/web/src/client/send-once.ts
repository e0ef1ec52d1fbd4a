/** Sends a text exactly once, even when the tab that ran the engine goes away in between: the id is chosen here, so asking again is safe. */
import { ParleyError } from '@parley/sdk'
import type { Conversation } from './queries.ts'
import type { RemoteClient, TimelineItem } from './types.ts'

const triesMax = 5

export async function sendOnce(
  client: RemoteClient,
  conversation: Conversation,
  text: string,
): Promise<void> {
  const id = newMessageId()
  for (let attempt = 1; ; attempt++) {
    try {
      await client.sendText(conversation, text, id)
      return
    } catch (error) {
      if (attempt === triesMax || !isEngineLost(error)) throw error
    }
  }
}

/** Nobody can know whether the call was done. */
function isEngineLost(error: unknown): boolean {
  return error instanceof ParleyError && error.problem.code === 'engine-lost'
}

function newMessageId(): TimelineItem['id'] {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
  return hex.join('') as TimelineItem['id']
}
