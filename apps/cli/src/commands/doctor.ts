/**
 * `parley doctor`: examines profile, clock, connection and server, and says what helps. Works when
 * nothing else does.
 */
import { statSync } from 'node:fs'
import type { DiagnosisLine } from '@parley/sdk'
import type { Command } from 'commander'
import { examples } from '../cli.ts'
import type { Cli, MakeCli } from '../cli.ts'
import { asCliFailure, CliFailure, exitStatus } from '../failure.ts'
import { Profile } from '../profile/profile.ts'

export function addDoctor(program: Command, makeCli: MakeCli): void {
  program
    .command('doctor')
    .description('examine profile, clock and connection')
    .addHelpText('after', examples('parley doctor', 'parley doctor --json'))
    .action(async (_options: object, command: Command) => {
      const cli = makeCli(command)
      const lines = [...(await engineLines(cli)), folderLine(cli.surroundings.settings.folder)]
      for (const { check, ok, says } of lines) {
        const sign = ok ? 'ok  ' : 'BAD '
        await cli.output.data({ check, ok, says }, `${sign} ${cli.output.accent(check)}  ${says}`)
      }
      const bad = lines.filter((line) => !line.ok).length
      if (bad > 0)
        throw new CliFailure(exitStatus.failed, `${bad} of ${lines.length} are not right.`)
    })
}

async function engineLines(cli: Cli): Promise<DiagnosisLine[]> {
  try {
    await using profile = await Profile.open(cli.surroundings)
    if ((await profile.call('account')).kind === 'registered') await cli.catchUp(profile)
    return await profile.call('diagnose')
  } catch (error) {
    return [{ check: 'profile', ok: false, says: asCliFailure(error).message }]
  }
}

function folderLine(folder: string): DiagnosisLine {
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode
  const open = mode !== undefined && (mode & 0o077) !== 0
  const says = open
    ? `Others on this machine can read ${folder}. Run: chmod -R go-rwx ${folder}`
    : `${folder} is readable by you alone.`
  return { check: 'folder', ok: !open, says }
}
