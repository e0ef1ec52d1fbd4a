/**
 * The history of a chaos run: what each participant saw, as JSON lines in the order in which it saw
 * it. Each program writes a file of its own; nothing else is known to the checker.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

/**
 * `p` is the participant that saw it; `n` numbers what a sender wrote to one person, growing with
 * holes.
 */
export type HistoryLine =
  /** The participant's program begins, again after it was killed. */
  | { t: 'open'; p: string; kind: 'raw' | 'sdk'; run: number }
  /** About to be handed over; after a crash it may not have been. */
  | { t: 'send'; p: string; to: string; n: number }
  /** The sender's own profile has it: a promise to send it. */
  | { t: 'kept'; p: string; to: string; n: number }
  /** The sender was told that it is accepted. */
  | { t: 'accept'; p: string; to: string; n: number }
  /** The recipient took the entry at that position of its inbox, and moved its cursor. */
  | { t: 'take'; p: string; from: string; n: number; at: number }
  /** The recipient has a place for it and waits for its sender to send it again. */
  | { t: 'wait'; p: string; from: string; n: number }
  /** Decrypted and printed, as `listen` does. */
  | { t: 'show'; p: string; from: string; n: number }
  /** What it has printed so far will not come again. */
  | { t: 'done'; p: string }
  /** An item of the profile's chat with `peer` after the run, oldest first. */
  | {
      t: 'final'
      p: string
      peer: string
      mine: boolean
      n: number
      body: 'text' | 'unreadable'
      /** Of own messages. */
      status: string
    }
  /** Something that cannot be: foreign bytes, a number that was never written. */
  | { t: 'odd'; p: string; says: string }
  /** Everything that there is to say of this participant has been said. */
  | { t: 'end'; p: string }

export interface HistoryWriter {
  /** In the system's hands when it returns, so that a killed program has said it. */
  say(line: HistoryLine): void
  /** Kept in memory until `flush`: for what nobody kills. */
  later(line: HistoryLine): void
  flush(): void
  close(): void
}

const bufferedCharactersMax = 256 * 1024

/** Goes on behind what is there; a line torn by a kill ends here. */
export function openHistory(path: string): HistoryWriter {
  const file = openSync(path, 'a')
  writeSync(file, '\n')
  let buffered = ''
  const flush = () => {
    if (buffered !== '') writeSync(file, buffered)
    buffered = ''
  }
  return {
    flush,
    say(line) {
      flush()
      writeSync(file, `${JSON.stringify(line)}\n`)
    },
    later(line) {
      buffered += `${JSON.stringify(line)}\n`
      if (buffered.length > bufferedCharactersMax) flush()
    },
    close() {
      flush()
      closeSync(file)
    },
  }
}

/** A line that a kill tore is passed over; its program could not have acted on it. */
export async function* readHistory(path: string): AsyncGenerator<HistoryLine> {
  for await (const text of createInterface({ input: createReadStream(path) })) {
    if (text === '') continue
    const line = parseLine(text)
    if (line) yield line
  }
}

function parseLine(text: string): HistoryLine | undefined {
  try {
    return JSON.parse(text) as HistoryLine
  } catch {
    return undefined
  }
}
