/**
 * `parley send`: one message, or with --batch each line of stdin as a message. What was not
 * accepted in time stays in the outbox and goes out with the next run.
 */
import { textBytesMax } from '@parley/sdk'
import { Option } from 'commander'
import type { Command } from 'commander'
import { examples, seconds } from '../cli.ts'
import type { Cli, MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'
import { wholeText } from '../lines.ts'
import { deadline } from '../platform/timers.ts'
import type { Profile } from '../profile/profile.ts'
import { failure, sendOne, statusReached } from '../sending.ts'
import type { Goal } from '../sending.ts'
import { sendBatch } from '../batch.ts'

interface SendOptions {
  wait: Goal
  timeout?: string
  batch?: boolean
}

const timeoutMsDefault = 30_000
/** Long enough for a server to come back. */
const batchTimeoutMsDefault = 600_000

export function addSend(program: Command, makeCli: MakeCli): void {
  program
    .command('send <TO> [TEXT]')
    .description('send a message; without TEXT (or with -) it is read from stdin')
    .addOption(
      new Option('--wait <STATUS>', 'until it is accepted by the server, delivered, or read')
        .choices(['accepted', 'delivered', 'read'])
        .default('accepted'),
    )
    .option('--timeout <SECONDS>', 'how long to wait (30; with --batch 600 without any progress)')
    .option('--batch', 'send each line of stdin as a message, in order, and print a line for each')
    .addHelpText(
      'after',
      `
TO is a number, a link or a conversation id. Exit status 4: the server did not accept it in time; the
message is kept and goes out with the next run.
${examples(
  'parley send +4915112345678 "See you at eight"',
  'df -h | parley send +4915112345678',
  'parley send +4915112345678 "Backup done" --wait delivered --timeout 600',
  'tail -f alerts.log | parley send +4915112345678 --batch --json',
)}`,
    )
    .action(
      async (to: string, text: string | undefined, options: SendOptions, command: Command) => {
        const cli = makeCli(command)
        if (options.batch && text !== undefined) {
          throw new CliFailure(
            exitStatus.usage,
            'With --batch the messages come from stdin: leave TEXT out.',
          )
        }
        const given = seconds('--timeout', options.timeout)
        await using profile = await cli.openProfile()
        const { account: conversation } = await profile.call('findContact', to)
        const goal = options.wait
        if (options.batch) {
          const timeoutMs = given ?? batchTimeoutMsDefault
          await sendBatch(cli, profile, { conversation, goal, timeoutMs })
        } else {
          await send(cli, profile, {
            conversation,
            text,
            goal,
            timeoutMs: given ?? timeoutMsDefault,
          })
        }
      },
    )
}

interface SendInput {
  conversation: Parameters<typeof sendOne>[1]['conversation']
  text: string | undefined
  goal: Goal
  timeoutMs: number
}

async function send(cli: Cli, profile: Profile, input: SendInput): Promise<void> {
  const { conversation, goal, timeoutMs } = input
  const id = await sendOne(profile, { conversation, text: await messageText(cli, input.text) })
  const time = deadline(timeoutMs)
  const giveUp = AbortSignal.any([time.signal, cli.stop])
  const sent = await statusReached(profile, { conversation, id, goal, giveUp })
  time.cancel()
  const { status } = sent
  const { output } = cli
  await output.data(
    { id, conversation, status, ...(sent.failure && { problem: sent.failure.code }) },
    `${output.accent(id)}  ${status}`,
  )
  const failed = failure(sent, goal, {
    timeoutMs,
    says: (await profile.call('connection')).problem?.says,
  })
  if (failed) throw failed
}

async function messageText(cli: Cli, text: string | undefined): Promise<string> {
  if (text !== undefined && text !== '-') return text
  const { stdin } = cli.terminal
  if (stdin.isTTY) cli.output.say('Type the message and end it with Ctrl-D on a line of its own.')
  return wholeText(stdin, textBytesMax)
}
