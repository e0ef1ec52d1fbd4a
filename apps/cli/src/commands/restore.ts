/** `parley restore`: the folder of a server, made from a backup. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { backupWork } from '../backup-work.ts'
import { examples } from '../cli.ts'
import type { MakeCli } from '../cli.ts'

export function addRestore(program: Command, makeCli: MakeCli): void {
  program
    .command('restore <FROM>')
    .description('make the folder of a server from a backup')
    .option('--data <DIR>', 'folder to make, not there or empty (PARLEY_DATA) [./data]')
    .addHelpText(
      'after',
      `
Clients notice that the server is older than they are: they send again what it has forgotten, and
bring new keys. Whoever registered after the backup was made registers again.
${examples(
  'parley restore /var/backups/parley/parley-20260301T020000Z --data ./data',
  'parley restore ./before-update --data /var/lib/parley --json',
)}`,
    )
    .action(async (from: string, options: { data?: string }, command: Command) => {
      const cli = makeCli(command)
      const { data, manifest, incarnation } = await backupWork(cli, async (work) => {
        const folder = work.dataFolder(options.data)
        const request = { from: resolve(from), data: folder }
        return { data: folder, ...(await work.server.restore(request, work.watching)) }
      })
      const { accounts, created_at, entries } = manifest
      const { output } = cli
      await output.data({ data, created_at, incarnation, accounts, entries }, output.accent(data))
      output.say(`As it was at ${created_at}: ${accounts} accounts, ${entries} entries.`)
    })
}
