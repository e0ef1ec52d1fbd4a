/** `parley contacts`: whom this profile knows; `contacts add` looks somebody up. */
import type { Contact } from '@parley/sdk'
import type { Command } from 'commander'
import { examples } from '../cli.ts'
import type { Cli, MakeCli } from '../cli.ts'
import { printable } from '../output.ts'

export function addContacts(program: Command, makeCli: MakeCli): void {
  const contacts = program
    .command('contacts')
    .description('list the people this profile knows')
    .addHelpText('after', examples('parley contacts', 'parley contacts --json'))
    .action(async (_options: object, command: Command) => {
      const cli = makeCli(command)
      await using profile = await cli.openProfile()
      for (const contact of await profile.call('contacts')) await print(cli, contact)
    })
  contacts
    .command('add <ALIAS>')
    .description('look somebody up by number or link')
    .option('--name <NAME>', 'what you call this person; only you see it')
    .addHelpText(
      'after',
      examples(
        'parley contacts add +4915112345678',
        'parley contacts add +4915112345678 --name Bob',
      ),
    )
    .action(async (alias: string, options: { name?: string }, command: Command) => {
      const cli = makeCli(command)
      await using profile = await cli.openProfile()
      const contact = await profile.call('findContact', alias)
      if (options.name !== undefined) {
        await profile.call('setContactName', contact.account, options.name)
      }
      await print(cli, { ...contact, name: options.name ?? contact.name })
    })
}

function print({ output }: Cli, { account, phone, name }: Contact): Promise<void> {
  const alias = phone ?? account
  return output.data(
    { account, alias, name },
    `${output.accent(alias)} ${printable(name)}`.trimEnd() + output.faint(`  ${account}`),
  )
}
