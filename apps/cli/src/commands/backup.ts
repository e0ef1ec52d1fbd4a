/** `parley backup`: a copy of everything that a server keeps, while it runs. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { backupWork, megabytes } from '../backup-work.ts'
import { examples } from '../cli.ts'
import type { MakeCli } from '../cli.ts'

interface BackupOptions {
  data?: string
  overwrite?: boolean
}

export function addBackup(program: Command, makeCli: MakeCli): void {
  program
    .command('backup <DIR>')
    .description('copy what the server keeps into a folder, while it runs')
    .option('--data <DIR>', 'folder of the server (PARLEY_DATA) [./data]')
    .option('--overwrite', 'replace the backup that is there')
    .addHelpText(
      'after',
      `
DIR is made. If it is there already and holds no backup, a folder named by the time is made in it.
It gets its name only when it is whole and on the disk.
${examples(
  'parley backup /var/backups/parley',
  'parley backup ./before-update --data /var/lib/parley --json',
  'parley backup ./latest --overwrite',
)}`,
    )
    .action(async (to: string, options: BackupOptions, command: Command) => {
      const cli = makeCli(command)
      const made = await backupWork(cli, ({ server, watching, dataFolder }) => {
        const { data, overwrite = false } = options
        return server.backUp({ data: dataFolder(data), to: resolve(to), overwrite }, watching)
      })
      const { accounts, created_at, entries, files, incarnation } = made.manifest
      const size_bytes = files.reduce((sum, file) => sum + file.size_bytes, 0)
      const { output } = cli
      await output.data(
        { folder: made.folder, created_at, incarnation, accounts, entries, size_bytes },
        output.accent(made.folder),
      )
      output.say(`${accounts} accounts, ${entries} entries, ${megabytes(size_bytes)}.`)
    })
}
