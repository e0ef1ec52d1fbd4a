/**
 * `parley register`: proves a number with a one-time code and makes this profile a device of its
 * account. In two steps where there is no terminal, so that a script can fetch the code in between.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client, Registered } from '@parley/sdk'
import type { Command } from 'commander'
import { examples } from '../cli.ts'
import type { Cli, MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'
import { askCode } from '../prompts.ts'
import { openOwnedClient } from '../profile/profile.ts'
import { rememberServer } from '../settings.ts'

interface RegisterOptions {
  phone: string
  code?: string
  name?: string
  recoveryKey?: string
}

export function addRegister(program: Command, makeCli: MakeCli): void {
  program
    .command('register')
    .description('register this profile with a phone number')
    .requiredOption('--phone <NUMBER>', 'your number with its country code, like +4915112345678')
    .option('--code <CODE>', 'the one-time code; - reads it from stdin')
    .option('--name <NAME>', 'what people see when you write to them')
    .option(
      '--recovery-key <FILE>',
      'file with the recovery key of an account that exists, so that its safety numbers stay the same; - reads it from stdin',
    )
    .addHelpText(
      'after',
      examples(
        'parley register --phone +4915112345678 --name Ada',
        '',
        'Without a terminal, in two steps:',
        'parley register --phone +4915112345678 || true',
        'echo 123456 | parley register --phone +4915112345678 --code - --name Ada --json',
      ),
    )
    .action(async (options: RegisterOptions, command: Command) => {
      const cli = makeCli(command)
      const client = await openOwnedClient(cli.surroundings)
      try {
        await register(cli, client, options)
      } finally {
        await client[Symbol.asyncDispose]()
      }
    })
}

async function register(cli: Cli, client: Client, options: RegisterOptions): Promise<void> {
  const account = client.account.getSnapshot()
  if (account.kind === 'registered') {
    throw new CliFailure(
      exitStatus.failed,
      `This profile is registered as ${account.phone}. Log out first, or choose another with --profile.`,
    )
  }
  const { settings } = cli.surroundings
  rememberServer(settings)
  const registration = await registrationFor(cli, client, options)
  const code = await codeFrom(cli, options)
  const registered = await client.finishRegistration({
    registration,
    code,
    name: options.name ?? '',
    recoveryKey: await recoveryKeyFrom(cli, options),
  })
  forgetPending(settings.folder)
  await print(cli, registered)
}

/** The one that was asked for before, if this is its code; else a new one. */
async function registrationFor(
  cli: Cli,
  client: Client,
  { phone, code }: RegisterOptions,
): Promise<string> {
  const { folder } = cli.surroundings.settings
  const pending = code === undefined ? undefined : readPending(folder)
  if (pending?.phone === phone) return pending.registration
  if (code !== undefined && code !== '-') {
    throw new CliFailure(
      exitStatus.failed,
      `No code was asked for ${phone} from here. Run first: parley register --phone ${phone}`,
    )
  }
  const step = await client.startRegistration(phone)
  writePending(folder, { phone, registration: step.registration })
  cli.output.say(`A code of ${step.codeDigits} digits was sent to ${step.phone}.`)
  return step.registration
}

async function codeFrom(cli: Cli, { phone, code }: RegisterOptions): Promise<string> {
  if (code === '-') return cli.nextLine()
  if (code !== undefined) return code
  if (cli.interactive) return askCode(cli.terminal)
  throw new CliFailure(
    exitStatus.failed,
    `Go on with the code: parley register --phone ${phone} --code -`,
  )
}

async function recoveryKeyFrom(
  cli: Cli,
  { recoveryKey }: RegisterOptions,
): Promise<string | undefined> {
  if (recoveryKey === undefined) return undefined
  if (recoveryKey === '-') return cli.nextLine()
  try {
    return readFileSync(recoveryKey, 'utf8').trim()
  } catch (cause) {
    const says = `The recovery key cannot be read from ${recoveryKey}. Check the name of the file.`
    throw new CliFailure(exitStatus.failed, says, { cause })
  }
}

async function print(cli: Cli, { account, device, recoveryKey }: Registered): Promise<void> {
  const { output } = cli
  const lines = [
    `account       ${output.accent(account)}`,
    `device        ${output.accent(device)}`,
  ]
  if (recoveryKey !== '') lines.push(`recovery key  ${output.accent(inFours(recoveryKey))}`)
  await output.data({ account, device, recovery_key: recoveryKey }, lines.join('\n'))
  if (recoveryKey === '') return
  output.say(
    'Write the recovery key down and keep it safe. It is shown this once, and it is what brings your account back when this profile is lost.',
  )
}

/** For whoever copies it by hand; spaces do not matter when it is typed. */
function inFours(recoveryKey: string): string {
  return (recoveryKey.match(/.{1,4}/g) ?? []).join(' ')
}

interface Pending {
  phone: string
  registration: string
}

/** Beside the database; says which code the next run brings. */
function pendingFile(folder: string): string {
  return join(folder, 'registration.json')
}

function readPending(folder: string): Pending | undefined {
  try {
    const pending = JSON.parse(readFileSync(pendingFile(folder), 'utf8')) as Partial<Pending>
    const { phone, registration } = pending
    return typeof phone === 'string' && typeof registration === 'string'
      ? { phone, registration }
      : undefined
  } catch {
    return undefined
  }
}

function writePending(folder: string, pending: Pending): void {
  writeFileSync(pendingFile(folder), JSON.stringify(pending), { mode: 0o600 })
}

function forgetPending(folder: string): void {
  rmSync(pendingFile(folder), { force: true })
}
