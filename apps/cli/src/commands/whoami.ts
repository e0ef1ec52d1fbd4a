/** `parley whoami`: who this profile is. */
import type { Command } from 'commander'
import { examples } from '../cli.ts'
import type { MakeCli } from '../cli.ts'
import { requireRegistered } from '../registered.ts'

export function addWhoami(program: Command, makeCli: MakeCli): void {
  program
    .command('whoami')
    .description('show who this profile is')
    .addHelpText('after', examples('parley whoami', 'parley --profile work whoami --json'))
    .action(async (_options: object, command: Command) => {
      const cli = makeCli(command)
      await using profile = await cli.openProfile()
      const account = requireRegistered(await profile.call('account'), profile.settings)
      const { server, profile: name } = cli.surroundings.settings
      const { output } = cli
      await output.data(
        {
          account: account.account,
          device: account.device,
          phone: account.phone,
          name: account.name,
          server,
          profile: name,
        },
        [
          `${output.accent(account.phone)}${account.name ? ` ${account.name}` : ''}`,
          output.faint(`account ${account.account}, device ${account.device}, on ${server}`),
        ].join('\n'),
      )
    })
}
