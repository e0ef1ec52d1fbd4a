/**
 * `parley send TO --batch`: each line of stdin is a message, in order, with a line of output for
 * each once it has come as far as is wanted. Lines are written to the outbox as they come, so a
 * server that is away only delays the output.
 */
import { textBytesMax } from '@parley/sdk'
import type { ClientProblem } from '@parley/sdk'
import { asCliFailure } from './failure.ts'
import type { CliFailure } from './failure.ts'
import type { Cli } from './cli.ts'
import { linesOf } from './lines.ts'
import { deadline } from './platform/timers.ts'
import type { AccountId, MessageId } from './profile/calls.ts'
import type { Profile } from './profile/profile.ts'
import { failure, sendOne, statusReached } from './sending.ts'
import type { Goal, Sent } from './sending.ts'

/** Lines that were read and are not reported yet; above that, stdin waits. */
const pendingMax = 256

interface BatchOptions {
  conversation: AccountId
  goal: Goal
  /** Without any progress. */
  timeoutMs: number
}

type Line = { id: MessageId } | { id: undefined; failure: CliFailure }

/** A bounded queue between the reader of stdin and the reporter. */
class Pending {
  readonly #lines: Line[] = []
  #ended = false
  #changed: (() => void)[] = []

  /** Resolves when there is room for the next one, or nobody takes any more. */
  async add(line: Line, giveUp: AbortSignal): Promise<void> {
    this.#lines.push(line)
    this.#tell()
    while (this.#lines.length >= pendingMax && !giveUp.aborted) await this.#change(giveUp)
  }

  end(): void {
    this.#ended = true
    this.#tell()
  }

  /** The oldest line, which stays until `shift`; undefined at the end. */
  async first(giveUp: AbortSignal): Promise<Line | undefined> {
    while (this.#lines.length === 0 && !this.#ended && !giveUp.aborted) await this.#change(giveUp)
    return this.#lines[0]
  }

  shift(): void {
    this.#lines.shift()
    this.#tell()
  }

  #change(giveUp: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        giveUp.removeEventListener('abort', done)
        resolve()
      }
      giveUp.addEventListener('abort', done)
      this.#changed.push(done)
    })
  }

  #tell(): void {
    const waiting = this.#changed
    this.#changed = []
    for (const resolve of waiting) resolve()
  }
}

export async function sendBatch(cli: Cli, profile: Profile, options: BatchOptions): Promise<void> {
  const pending = new Pending()
  const ended = new AbortController()
  const giveUp = AbortSignal.any([ended.signal, cli.stop])
  const reading = readLines(cli, profile, { ...options, pending, giveUp }).finally(() =>
    pending.end(),
  )
  try {
    const failed = await report(cli, profile, { ...options, pending })
    if (failed) throw failed
    if (!cli.stop.aborted) await reading
  } finally {
    ended.abort()
    reading.catch(() => {
      // Already said by whatever ended the report.
    })
  }
}

async function readLines(
  cli: Cli,
  profile: Profile,
  options: { conversation: AccountId; pending: Pending; giveUp: AbortSignal },
): Promise<void> {
  const { conversation, pending, giveUp } = options
  for await (const text of linesOf(cli.terminal.stdin, textBytesMax)) {
    if (giveUp.aborted) return
    if (text.trim() === '') continue
    const line = await sendOne(profile, { conversation, text }).then(
      (id): Line => ({ id }),
      (error): Line => ({ id: undefined, failure: asCliFailure(error) }),
    )
    await pending.add(line, giveUp)
  }
}

/** Prints the lines in order; what could not be sent at all is told at the end. */
async function report(
  cli: Cli,
  profile: Profile,
  { conversation, goal, timeoutMs, pending }: BatchOptions & { pending: Pending },
): Promise<CliFailure | undefined> {
  let failed: CliFailure | undefined
  const { stop } = cli
  for (
    let line = await pending.first(stop);
    line && !stop.aborted;
    line = await pending.first(stop)
  ) {
    if (line.id === undefined) {
      failed ??= line.failure
      await print(cli, { id: null, conversation, status: 'failed', failure: undefined })
    } else {
      const time = deadline(timeoutMs)
      const giveUp = AbortSignal.any([time.signal, stop])
      const sent = await statusReached(profile, { conversation, id: line.id, goal, giveUp })
      time.cancel()
      await print(cli, { id: line.id, conversation, ...sent })
      const { problem } = await profile.call('connection')
      const wrong = failure(sent, goal, { timeoutMs, says: problem?.says })
      if (wrong && sent.status !== 'failed') return wrong
      failed ??= wrong
    }
    pending.shift()
  }
  return failed
}

function print(
  { output }: Cli,
  line: {
    id: MessageId | null
    conversation: AccountId
    failure: ClientProblem | undefined
  } & Sent,
): Promise<void> {
  const { id, conversation, status } = line
  return output.data(
    { id, conversation, status, ...(line.failure && { problem: line.failure.code }) },
    `${output.accent(id ?? '-'.repeat(32))}  ${status}`,
  )
}
