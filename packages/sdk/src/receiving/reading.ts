/** Read marks: what a person has seen, on their word alone. */
import type { AccountId, MessageId } from '@parley/wire'
import type { Core } from '../core.ts'
import { raiseReadMarks } from '../store/marks.ts'
import { pendingSort, readMessageById, writeRead } from '../store/messages.ts'
import type { TimelineCursor } from '../types.ts'

/** Everything shown up to this item has been seen. True when that was news. */
export function markRead(core: Core, conversation: AccountId, upTo: TimelineCursor): boolean {
  const { store } = core
  const item = readMessageById(store, upTo.id as MessageId)
  const isHere = item?.conversation === conversation
  const place = isHere ? { sort: item.sort, id: item.id } : { sort: upTo.stamp, id: upTo.id }
  const sort = Math.min(place.sort, pendingSort - 1)
  return store.transaction(() => {
    if (!writeRead(store, conversation, { sort, id: place.id })) return false
    raiseReadMarks(store, conversation)
    return true
  })
}
