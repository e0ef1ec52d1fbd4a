/**
 * Ids of messages are chosen here, so that a send that may have been done can be repeated under its
 * id.
 */
import type { TimelineItem } from '@parley/sdk'

export function newMessageId(): TimelineItem['id'] {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Buffer.from(bytes).toString('hex') as TimelineItem['id']
}
