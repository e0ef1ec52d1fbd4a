/** `parley chats`: the conversations, the newest first. */
import type { Command } from 'commander'
import { examples } from '../cli.ts'
import type { MakeCli } from '../cli.ts'
import { printable, timeOfDay, timestamp } from '../output.ts'

export function addChats(program: Command, makeCli: MakeCli): void {
  program
    .command('chats')
    .description('list the conversations, the newest first')
    .addHelpText('after', examples('parley chats', 'parley chats --json | head -n 5'))
    .action(async (_options: object, command: Command) => {
      const cli = makeCli(command)
      await using profile = await cli.openProfile()
      await cli.catchUp(profile)
      const { output } = cli
      for (const chat of await profile.call('chats')) {
        const { conversation, alias, title, preview, unread, stamp } = chat
        const when = stamp > 0 ? timeOfDay(stamp) : ''
        const sentAt = stamp > 0 ? timestamp(stamp) : null
        const count = unread > 0 ? ` (${unread})` : ''
        const who = `${output.accent(printable(title))}${count}`
        await output.data(
          { conversation, alias, title, preview, unread, sent_at: sentAt },
          `${output.faint(when.padEnd(16))}  ${who}  ${printable(preview).replaceAll('\n', ' ')}`,
        )
      }
    })
}
