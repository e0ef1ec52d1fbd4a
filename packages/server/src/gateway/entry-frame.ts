/** A stored entry as the frame that one device is served: only its own envelope goes out (S13). */
import { contentFor, decodeEntryBody, encodeServerFrame } from '@parley/wire'
import type { DeviceId, EntryContent } from '@parley/wire'
import type { LogEntry } from '../backends/log/log.ts'

export interface EntryFrame {
  bytes: Uint8Array
  kind: EntryContent['kind']
}

export function encodeEntryFor(device: DeviceId, entry: LogEntry): EntryFrame {
  const content = contentFor(device, decodeEntryBody(entry.body))
  const { log, position, prev } = entry
  const bytes = encodeServerFrame({ kind: 'entry', log, position, prev, content })
  return { bytes, kind: content.kind }
}
