/** `parley history`: a page of a conversation, oldest first. */
import type { TimelineItem } from '@parley/sdk'
import type { Command } from 'commander'
import { examples, wholeNumber } from '../cli.ts'
import type { Cli, MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'
import { indented, timeOfDay, timestamp } from '../output.ts'
import type { AccountId, MessageId } from '../profile/calls.ts'
import type { Profile } from '../profile/profile.ts'

const limitDefault = 20
const limitMax = 10_000
/** Items of one query. */
const pageItems = 180

export function addHistory(program: Command, makeCli: MakeCli): void {
  program
    .command('history <TO>')
    .description('show messages of a conversation, oldest first')
    .option('--limit <N>', `how many, at most ${limitMax}`, String(limitDefault))
    .option('--before <ID>', 'the ones before this message')
    .addHelpText(
      'after',
      examples(
        'parley history +4915112345678',
        'parley history +4915112345678 --limit 100 --json | jq -r .text',
      ),
    )
    .action(async (to: string, options: { limit: string; before?: string }, command: Command) => {
      const cli = makeCli(command)
      const limit = Math.min(wholeNumber('--limit', options.limit) ?? limitDefault, limitMax)
      await using profile = await cli.openProfile()
      await cli.catchUp(profile)
      const { account: conversation } = await profile.call('findContact', to)
      const before = await messageBefore(profile, conversation, options.before)
      const items = await newest(profile, { conversation, before, limit })
      const names = await namesOf(profile, conversation)
      for (const item of items) await print(cli, item, names)
    })
}

async function messageBefore(
  profile: Profile,
  conversation: AccountId,
  id: string | undefined,
): Promise<TimelineItem | undefined> {
  if (id === undefined) return undefined
  const item = await profile.call('message', id as MessageId)
  if (item?.conversation === conversation) return item
  throw new CliFailure(exitStatus.failed, `There is no message ${id} in this conversation.`)
}

/** Collects page by page backwards until there are enough messages. */
async function newest(
  profile: Profile,
  query: { conversation: AccountId; before: TimelineItem | undefined; limit: number },
): Promise<TimelineItem[]> {
  const { conversation, limit } = query
  let items: TimelineItem[] = []
  let end = query.before
  for (;;) {
    const page = await profile.call('timeline', {
      conversation,
      around: end && { stamp: end.stamp, id: end.id },
      limit: pageItems,
    })
    const upTo = end ? page.items.findIndex((item) => item.id === end?.id) : page.items.length
    const earlier = page.items.slice(0, Math.max(upTo, 0))
    items = [...earlier.filter(isMessage), ...items]
    end = page.items[0]
    const atStart = earlier.length === 0 || !page.moreBefore
    if (items.length >= limit || atStart) return items.slice(-limit)
  }
}

function isMessage({ body }: TimelineItem): boolean {
  return body.kind !== 'notice'
}

interface Names {
  own: string
  theirs: string
}

async function namesOf(profile: Profile, conversation: AccountId): Promise<Names> {
  const account = await profile.call('account')
  const { alias } = await profile.call('chat', conversation)
  return { own: account.kind === 'none' ? '' : account.phone, theirs: alias }
}

function print({ output }: Cli, item: TimelineItem, names: Names): Promise<void> {
  const from = item.mine ? names.own : names.theirs
  const text = textOf(item)
  const shown = text ?? output.faint(sentenceFor(item))
  const ticks = item.status ? output.faint(`  ${item.status}`) : ''
  return output.data(
    {
      id: item.id,
      conversation: item.conversation,
      from,
      text,
      sent_at: timestamp(item.stamp),
      ...(item.status && { status: item.status }),
      ...(item.failure && { problem: item.failure.code }),
    },
    `${output.faint(timeOfDay(item.stamp))}  ${output.accent(from)}  ${indented(shown)}${ticks}`,
  )
}

function textOf({ body }: TimelineItem): string | null {
  return body.kind === 'text' ? body.text : null
}

function sentenceFor({ body }: TimelineItem): string {
  if (body.kind === 'unreadable') {
    return body.state === 'waiting'
      ? 'This message could not be opened yet; it was asked for again.'
      : 'This message could not be opened and cannot be had again.'
  }
  return 'This message needs a newer version.'
}
