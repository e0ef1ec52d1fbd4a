/**
 * Reads what strace wrote of a server, and proves from it that no `Accepted` left before its entry
 * was on the disk: the write of the message's id into the write-ahead log ended, then a sync of
 * that file began and ended, then the frame was given to the network.
 *
 * strace stops a thread when it enters a call and when it leaves it, so the order of its lines is
 * the order of these moments, over all threads.
 */
import { decodeServerFrame } from '@parley/wire'
import type { LogId } from '@parley/wire'

export interface Call {
  name: string
  /** The descriptor that it is about. */
  file: number
  /** Lines of the log: when it was entered, and when it was left; never, if the log ends before. */
  enteredAt: number
  leftAt: number
  /** What it writes, as hex digits; empty for a sync. */
  hex: string
}

/** What was sent, and under which sequence it is accepted. */
export interface TracedSend {
  log: LogId
  sequence: number
  idHex: string
}

export interface FsyncVerdict {
  messages: number
  /** Accepted frames that left. */
  accepted_frames: number
  /** Syncs of the write-ahead log. */
  fsyncs: number
  /** Messages whose Accepted left before a sync that covers them, or without one. */
  early: number
  /** Messages for which the trace shows no Accepted or no write. */
  untraced: number
}

/** `\x41` for each byte: strace's option -xx. */
const linePattern = /^(\d+)\s+(?:(\w+)\((\d+)(.*)|<\.\.\. (\w+) resumed>(.*))$/
const hexPattern = /"((?:\\x[0-9a-f]{2})*)"/
const syncNames = new Set(['fsync', 'fdatasync'])

export function readCalls(text: string): Call[] {
  const calls: Call[] = []
  const open = new Map<string, Call>()
  for (const [at, line] of text.split('\n').entries()) {
    const match = linePattern.exec(line)
    if (!match) continue
    const [, thread = '', name, file, rest = '', resumed] = match
    if (resumed !== undefined) {
      const call = open.get(thread)
      if (call) call.leftAt = at
      open.delete(thread)
      continue
    }
    const hex = (hexPattern.exec(rest)?.[1] ?? '').replaceAll('\\x', '')
    const isOver = !rest.includes('<unfinished ...>')
    const leftAt = isOver ? at : Number.POSITIVE_INFINITY
    const call = { name: name ?? '', file: Number(file), enteredAt: at, leftAt, hex }
    if (!isOver) open.set(thread, call)
    calls.push(call)
  }
  return calls
}

export function judgeCalls(
  calls: readonly Call[],
  sends: readonly TracedSend[],
  walFiles: ReadonlySet<number>,
): FsyncVerdict {
  const syncs = calls.filter(({ file, name }) => syncNames.has(name) && walFiles.has(file))
  const writes = calls.filter(({ file, name }) => name.startsWith('pwrite') && walFiles.has(file))
  const accepted = acceptedIn(calls.filter(({ file, hex }) => hex !== '' && !walFiles.has(file)))
  let early = 0
  let untraced = 0
  for (const { idHex, log, sequence } of sends) {
    const write = writes.find(({ hex }) => hex.includes(idHex))
    const answer = accepted.find((each) => each.log === log && each.upTo >= sequence)
    if (!write || !answer) {
      untraced++
      continue
    }
    const covers = syncs.some(
      (sync) => sync.enteredAt > write.leftAt && sync.leftAt < answer.enteredAt,
    )
    if (!covers) early++
  }
  return {
    messages: sends.length,
    accepted_frames: accepted.length,
    fsyncs: syncs.length,
    early,
    untraced,
  }
}

interface SeenAccepted {
  log: LogId
  upTo: number
  enteredAt: number
}

/** All frames of all connections, in the order in which they were given to the network. */
function acceptedIn(writes: readonly Call[]): SeenAccepted[] {
  const streams = new Map<number, FrameStream>()
  const seen: SeenAccepted[] = []
  for (const { enteredAt, file, hex } of writes) {
    const bytes = Buffer.from(hex, 'hex')
    if (bytes.toString('latin1', 0, 13) === 'HTTP/1.1 101 ') streams.set(file, new FrameStream())
    for (const payload of streams.get(file)?.take(bytes) ?? []) {
      const frame = decodeServerFrame(payload)
      if (frame.kind === 'accepted') seen.push({ log: frame.log, upTo: frame.upTo, enteredAt })
    }
  }
  return seen
}

/** What the server writes to one connection, from its upgrade on. */
class FrameStream {
  #rest = Buffer.alloc(0)
  #upgraded = false

  /** The payloads that are whole now. */
  take(bytes: Buffer): Uint8Array[] {
    const payloads: Uint8Array[] = []
    this.#rest = Buffer.concat([this.#rest, bytes])
    if (!this.#upgraded) {
      const end = this.#rest.indexOf('\r\n\r\n')
      if (end < 0) return payloads
      this.#upgraded = true
      this.#rest = this.#rest.subarray(end + 4)
    }
    while (this.#rest.length >= 2) {
      const short = this.#rest[1] ?? 0
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      if (this.#rest.length < head) return payloads
      const size =
        head === 2 ? short : this.#rest.readUIntBE(head === 4 ? 2 : 4, head === 4 ? 2 : 6)
      if (this.#rest.length < head + size) return payloads
      const isBinary = this.#rest[0] === 0x82
      const payload = this.#rest.subarray(head, head + size)
      this.#rest = this.#rest.subarray(head + size)
      if (isBinary) payloads.push(payload)
    }
    return payloads
  }
}
