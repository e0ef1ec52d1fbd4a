/** For tests: a log as format 1 left it (vectors/README.md), and what it holds. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { accountIdFromRandom, deviceIdOf, inboxOf, positionAt } from '@parley/wire'
import type { DeviceId, LogId } from '@parley/wire'
import type { Log } from './log.ts'

const packed = join(import.meta.dirname, '../../../../../vectors/formats/log-1.sqlite.gz')
export const fileOfFormat1 = (): Uint8Array<ArrayBuffer> => gunzipSync(readFileSync(packed))

const idOf = (byte: number) => new Uint8Array(16).fill(byte)
const startMs = Date.UTC(2026, 5, 1)
export const logsOfFormat1 = [1, 2, 3].map((byte) => inboxOf(accountIdFromRandom(idOf(byte))))
export const devicesOfFormat1 = [11, 12].map((byte) => deviceIdOf(idOf(byte)))
const [even, odd, emptied] = logsOfFormat1 as [LogId, LogId, LogId]
const [third, other] = devicesOfFormat1 as [DeviceId, DeviceId]
const at = (second: number) => positionAt(startMs + second * 1000)

/** One entry a second, from the first to the fortieth; those before the eighth were trimmed. */
const seconds = (log: LogId) =>
  Array.from({ length: 33 }, (_, index) => index + 8).filter(
    (second) => (second % 2 === 0 ? even : odd) === log,
  )

export interface Held {
  entries: [position: number, prev: number, text: string, bytes: number][]
  expiredUpTo: number
  head: number
  sequences: number[]
  cursors: [DeviceId, number][]
}

export const heldInFormat1: Held[] = [
  {
    entries: seconds(even).map((n) => [at(n), at(n - 2), `entry ${n}`, n === 20 ? 9000 : 20]),
    ...{ expiredUpTo: at(6), head: at(40), sequences: [360, 380] },
    cursors: [[third, at(12)]],
  },
  {
    entries: seconds(odd).map((n) => [at(n), at(n - 2), `entry ${n}`, 20]),
    ...{ expiredUpTo: at(7), head: at(39), sequences: [390, 370] },
    cursors: [],
  },
  { entries: [], expiredUpTo: at(3), head: at(3), sequences: [30, 20], cursors: [] },
]

export async function readHeld(log: Log): Promise<Held[]> {
  const decoder = new TextDecoder()
  return Promise.all(
    [even, odd, emptied].map(async (id): Promise<Held> => {
      const { entries, expiredUpTo } = await log.read(id, 0, 100)
      const [head = 0] = await log.heads([id])
      const sequences = [await log.lastSequence(third, id), await log.lastSequence(other, id)]
      return {
        entries: entries.map(({ position, prev, body }) => {
          const [text = ''] = decoder.decode(body).split(' .')
          return [position, prev, text.replace(/ ?\.*$/, ''), body.length]
        }),
        ...{ expiredUpTo, head, sequences, cursors: [...(await log.cursors(id))] },
      }
    }),
  )
}
