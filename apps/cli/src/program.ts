/**
 * The commands of the client, with their options and help, and how a command that ended badly
 * becomes an exit status.
 */
import { Command, CommanderError } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { Cli } from './cli.ts'
import type { Terminal } from './cli.ts'
import { addBackup } from './commands/backup.ts'
import { addCapacity } from './commands/capacity.ts'
import { addChats } from './commands/chats.ts'
import { addContacts } from './commands/contacts.ts'
import { addDoctor } from './commands/doctor.ts'
import { addHistory } from './commands/history.ts'
import { addListen } from './commands/listen.ts'
import { addLogout } from './commands/logout.ts'
import { addRegister } from './commands/register.ts'
import { addRestore } from './commands/restore.ts'
import { addSafetyNumber } from './commands/safety-number.ts'
import { addSend } from './commands/send.ts'
import { addServe } from './commands/serve.ts'
import { addVerify } from './commands/verify.ts'
import { addWhoami } from './commands/whoami.ts'
import { asCliFailure, exitStatus } from './failure.ts'

/** In the order of --help. */
const commands = [
  addRegister,
  addWhoami,
  addLogout,
  addContacts,
  addSend,
  addListen,
  addChats,
  addHistory,
  addSafetyNumber,
  addDoctor,
  addBackup,
  addRestore,
  addVerify,
  addCapacity,
]

function programFor(terminal: Terminal): Command {
  const program = new Command('parley')
    .description('A self-hostable, end-to-end encrypted messenger.')
    .version(manifest.version)
    .option('--server <URL>', 'address of the server (PARLEY_SERVER)')
    .option('--profile <NAME>', 'which profile to use (PARLEY_PROFILE)')
    .option('--home <DIR>', 'where profiles live (PARLEY_HOME)')
    .option('--json', 'print one JSON object a line')
    .option('--quiet', 'no talk on stderr, only errors')
    .showHelpAfterError('See parley --help.')
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 not logged in, 4 server not reachable, 5 refused.

Examples:
  parley serve
  parley register --phone +4915112345678 --name Ada
  parley send +4915198765432 "Hello"
  parley listen --json`,
    )
  addServe(program)
  const makeCli = (command: Command) => new Cli(terminal, command.optsWithGlobals())
  for (const add of commands) add(program, makeCli)
  return program
}

/** Runs one command; its exit status. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await programFor(terminal).parseAsync(argv, { from: 'user' })
    return exitStatus.done
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitStatus.done : exitStatus.usage
    }
    if (isBrokenPipe(error)) return exitStatus.done
    const failure = asCliFailure(error)
    terminal.stderr.write(`${failure.message}\n`)
    return failure.status
  }
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}
