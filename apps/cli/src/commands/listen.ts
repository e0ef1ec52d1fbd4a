/**
 * `parley listen`: prints messages and receipts as they come, each after it is stored here, until
 * stopped. The one half of a bot; `send --batch` is the other.
 */
import type { ClientEvent } from '@parley/sdk'
import type { Command } from 'commander'
import { examples, seconds, wholeNumber } from '../cli.ts'
import type { Cli, MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'
import { indented, timeOfDay, timestamp } from '../output.ts'
import { deadline } from '../platform/timers.ts'
import type { Profile } from '../profile/profile.ts'
import { waitFor } from '../wait.ts'

const eventsAtOnce = 100
/** How long a stranger's first event waits until the number that they claim was looked up. */
const aliasMsMax = 2_000
const strangersMax = 10_000

interface ListenOptions {
  count?: string
  timeout?: string
  read?: boolean
}

export function addListen(program: Command, makeCli: MakeCli): void {
  program
    .command('listen')
    .description('print messages and receipts as they come')
    .option('--count <N>', 'stop after N of them')
    .option('--timeout <SECONDS>', 'stop after this time')
    .option('--read', 'also mark messages as read')
    .addHelpText(
      'after',
      examples(
        'parley listen',
        'parley listen --json --count 1 --timeout 60',
        '',
        'A bot that answers one person, with both ends on the same profile:',
        'parley listen --json | jq --unbuffered -r \'select(.type == "message") | .text\' \\',
        '  | ./answer | parley send +4915112345678 --batch',
      ),
    )
    .action(async (options: ListenOptions, command: Command) => {
      const cli = makeCli(command)
      const count = wholeNumber('--count', options.count)
      const time = deadline(seconds('--timeout', options.timeout))
      await using profile = await cli.openProfile()
      const giveUp = AbortSignal.any([time.signal, cli.stop])
      const printed = await listen(cli, profile, { count, giveUp, read: options.read === true })
      time.cancel()
      if (count === undefined || printed >= count || cli.stop.aborted) return
      throw new CliFailure(
        exitStatus.failed,
        `Only ${printed} of ${count} events came within ${options.timeout} seconds.`,
      )
    })
}

/**
 * Returns how many were printed. An event is done once the reader's system has it, so a crash
 * before prints it again.
 */
async function listen(
  cli: Cli,
  profile: Profile,
  { count, giveUp, read }: { count: number | undefined; giveUp: AbortSignal; read: boolean },
): Promise<number> {
  let printed = 0
  const aliases = new Aliases(profile, giveUp)
  const nextEvents = async () => {
    const limit = Math.min(eventsAtOnce, (count ?? Number.POSITIVE_INFINITY) - printed)
    const events = await profile.call('events', limit)
    return events.length > 0 ? events : undefined
  }
  while (count === undefined || printed < count) {
    const events = await waitFor(profile, { watched: 'events', read: nextEvents, giveUp })
    if (!events || giveUp.aborted) break
    for (const event of events) {
      await print(cli, { ...event, from: await aliases.of(event) })
      if (read && event.type === 'message') await markRead(profile, event)
      await profile.call('eventsDone', event.number)
      printed++
    }
  }
  return printed
}

/**
 * Whom an event is from: the number, which for a stranger is known a moment after the first
 * message.
 */
class Aliases {
  readonly #profile: Profile
  readonly #giveUp: AbortSignal
  /** Waited for once; whose claim was not right stays an id. */
  readonly #strangers = new Set<string>()

  constructor(profile: Profile, giveUp: AbortSignal) {
    this.#profile = profile
    this.#giveUp = giveUp
  }

  async of({ from, conversation }: ClientEvent): Promise<string> {
    if (from !== conversation || this.#strangers.has(conversation)) return from
    if (this.#strangers.size < strangersMax) this.#strangers.add(conversation)
    const time = deadline(aliasMsMax)
    const giveUp = AbortSignal.any([time.signal, this.#giveUp])
    const read = async () => {
      const { alias } = await this.#profile.call('chat', conversation)
      return alias === conversation ? undefined : alias
    }
    const alias = await waitFor(this.#profile, { watched: 'chats', read, giveUp })
    time.cancel()
    return alias ?? from
  }
}

async function markRead(
  profile: Profile,
  { conversation, id }: Extract<ClientEvent, { type: 'message' }>,
): Promise<void> {
  const item = await profile.call('message', id)
  if (item) await profile.call('markRead', conversation, { stamp: item.stamp, id })
}

function print({ output }: Cli, event: ClientEvent): Promise<void> {
  switch (event.type) {
    case 'message': {
      const { type, id, conversation, from, text, sentAtMs } = event
      return output.data(
        { type, id, conversation, from, text, sent_at: timestamp(sentAtMs) },
        `${output.faint(timeOfDay(sentAtMs))}  ${output.accent(from)}  ${indented(text)}`,
      )
    }
    case 'receipt': {
      const { type, conversation, from, status, upTo } = event
      return output.data(
        { type, conversation, from, status, up_to: upTo },
        output.faint(`${from} has ${status === 'read' ? 'read' : 'got'} everything up to ${upTo}`),
      )
    }
  }
}
