/**
 * I9 on the clients' side, by what a client shows of its bounds: sends on their way and bytes in
 * its socket (Y7), sizes of what it asks for (W), statements kept open, rows that only wait.
 */
import {
  cursorsPerHelloMax,
  fetchEntriesMax,
  presenceSubscriptionsMax,
  unacceptedSendsMax,
} from '@parley/wire'
import type { ClientFrame, ServerFrame } from '@parley/wire'
import { sqlite } from './disk/vfs.ts'
import type { SqliteDatabase } from './disk/vfs.ts'

/** Y7, and what may wait in a client's socket: one frame may go beyond each. */
const bytesMax = 4 * 1024 * 1024
/** Kept for another use, and in use. */
const statementsMax = 200 + 8
/** Y30: of one person. */
const unopenedPerPersonMax = 2_000

/** What is wrong with it; undefined while it is within its bounds. */
type Finding = string | undefined

/** What one client has on its way on its present connection. */
export class SendWindow {
  readonly #bytes = new Map<string, number>()

  toServer(frame: ClientFrame, frameBytes: number, bufferedBytes: number): Finding {
    if (bufferedBytes > bytesMax + frameBytes) return `${bufferedBytes} bytes wait in its socket`
    switch (frame.kind) {
      case 'hello':
        this.#bytes.clear()
        if (frame.cursors.length <= cursorsPerHelloMax) return undefined
        return `${frame.cursors.length} cursors are in its Hello`
      case 'fetch':
        return frame.limit > fetchEntriesMax ? `it fetches ${frame.limit} entries` : undefined
      case 'subscribe':
        if (frame.accounts.length <= presenceSubscriptionsMax) return undefined
        return `it watches ${frame.accounts.length} people`
      case 'send':
        this.#bytes.set(`${frame.log} ${frame.sequence}`, frameBytes)
        return this.#checked(frameBytes)
      default:
        return undefined
    }
  }

  fromServer(frame: ServerFrame): void {
    if (frame.kind === 'rejected') this.#bytes.delete(`${frame.log} ${frame.sequence}`)
    if (frame.kind !== 'accepted') return
    for (const key of this.#bytes.keys()) {
      const [log, sequence] = key.split(' ')
      if (log === frame.log && Number(sequence) <= frame.upTo) this.#bytes.delete(key)
    }
  }

  #checked(frameBytes: number): Finding {
    const { size } = this.#bytes
    if (size > unacceptedSendsMax) return `${size} sends are on their way`
    let bytes = 0
    for (const each of this.#bytes.values()) bytes += each
    return bytes > bytesMax + frameBytes ? `${bytes} bytes are on their way` : undefined
  }
}

/** What a client's database holds beside what people want kept. */
export function storeFinding(database: SqliteDatabase): Finding {
  const statements = openStatements(database)
  if (statements > statementsMax) return `${statements} statements are open`
  const waiting = 'SELECT count(*) FROM unopened GROUP BY sender ORDER BY 1 DESC LIMIT 1'
  const unopened = Number(database.selectValue(waiting) ?? 0)
  return unopened > unopenedPerPersonMax ? `${unopened} messages wait to be opened` : undefined
}

function openStatements(database: SqliteDatabase): number {
  const { capi } = sqlite
  type Statement = ReturnType<typeof capi.sqlite3_next_stmt>
  let count = 0
  let statement: Statement = capi.sqlite3_next_stmt(database, 0 as unknown as Statement)
  while (statement) {
    count++
    statement = capi.sqlite3_next_stmt(database, statement)
  }
  return count
}
