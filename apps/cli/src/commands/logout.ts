/** `parley logout`: ends the session at the server and erases what this profile holds. */
import type { Command } from 'commander'
import { examples } from '../cli.ts'
import type { MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'
import { confirm } from '../prompts.ts'
import { openOwnedClient } from '../profile/profile.ts'

export function addLogout(program: Command, makeCli: MakeCli): void {
  program
    .command('logout')
    .description('log this profile out and erase its keys and messages')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('parley logout', 'parley --profile work logout --yes'))
    .action(async (options: { yes?: boolean }, command: Command) => {
      const cli = makeCli(command)
      const client = await openOwnedClient(cli.surroundings)
      try {
        const account = client.account.getSnapshot()
        if (account.kind === 'none') {
          throw new CliFailure(exitStatus.notLoggedIn, 'Nobody is registered on this profile.')
        }
        const question = `Erase the messages and keys of ${account.phone} on this machine?`
        if (!options.yes && cli.interactive && !(await confirm(cli.terminal, question))) {
          throw new CliFailure(exitStatus.failed, 'Nothing was erased.')
        }
        await client.logout()
        const { account: id, phone } = account
        await cli.output.data({ account: id, logged_out: true }, `${phone} is logged out.`)
      } finally {
        await client[Symbol.asyncDispose]()
      }
    })
}
