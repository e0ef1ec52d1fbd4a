/** `parley verify`: whether a backup, or the folder of a stopped server, is whole. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { backupWork } from '../backup-work.ts'
import { examples } from '../cli.ts'
import type { MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'

export function addVerify(program: Command, makeCli: MakeCli): void {
  program
    .command('verify [FROM]')
    .description('look whether a backup, or the folder of a stopped server, is whole')
    .option('--data <DIR>', 'look at the folder of a stopped server instead')
    .addHelpText(
      'after',
      examples(
        'parley verify /var/backups/parley/parley-20260301T020000Z',
        'parley verify --data ./data --json',
      ),
    )
    .action(async (from: string | undefined, options: { data?: string }, command: Command) => {
      const cli = makeCli(command)
      const { data } = options
      if ((from === undefined) === (data === undefined)) {
        throw new CliFailure(exitStatus.usage, 'Name a backup, or a folder with --data.')
      }
      const findings = await backupWork(cli, ({ server, watching, dataFolder }) =>
        from === undefined
          ? server.examineDataFolder(dataFolder(data), watching)
          : server.examineBackup(resolve(from), watching),
      )
      for (const { check, ok, says } of findings) {
        const sign = ok ? 'ok  ' : 'BAD '
        await cli.output.data({ check, ok, says }, `${sign} ${cli.output.accent(check)}  ${says}`)
      }
      if (findings.some(({ ok }) => !ok)) {
        const what = from === undefined ? data : from
        throw new CliFailure(exitStatus.failed, `${what} is not whole. Do not rely on it.`)
      }
    })
}
