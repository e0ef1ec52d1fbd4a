/**
 * What every command is given: settings, output, the profile, and the signal that it shall stop.
 */
import type { Command } from 'commander'
import { CliFailure, exitStatus } from './failure.ts'
import { linesOf } from './lines.ts'
import { Output } from './output.ts'
import { deadline } from './platform/timers.ts'
import { Profile } from './profile/profile.ts'
import type { ProfileSurroundings } from './profile/profile.ts'
import { requireRegistered } from './registered.ts'
import { settingsFrom } from './settings.ts'
import type { Environment, GlobalOptions } from './settings.ts'
import { waitFor } from './wait.ts'

export interface Terminal {
  environment: Environment
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  /** The person, or who started this, wants it to end. */
  stop: AbortSignal
}

/** How long commands that only look wait for what is new. */
const freshMs = 5_000
const secretBytesMax = 4096

export class Cli {
  readonly terminal: Terminal
  readonly output: Output
  readonly surroundings: ProfileSurroundings
  #lines: AsyncGenerator<string> | undefined

  constructor(terminal: Terminal, options: GlobalOptions) {
    this.terminal = terminal
    const { environment, stdout, stderr, stop } = terminal
    const { json = false, quiet = false } = options
    this.output = new Output({ json, quiet, stdout, stderr, environment })
    const say = (text: string) => this.output.say(text)
    this.surroundings = { settings: settingsFrom(options, environment), say, stop }
  }

  /** Somebody sits there who can be asked. */
  get interactive(): boolean {
    const { stdin, stderr } = this.terminal
    return stdin.isTTY === true && stderr.isTTY === true && !this.output.json
  }

  /** The next line of stdin that is not empty, for a code or a key. */
  async nextLine(): Promise<string> {
    this.#lines ??= linesOf(this.terminal.stdin, secretBytesMax)
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next()) {
      if (next.value.trim() !== '') return next.value.trim()
    }
    throw new CliFailure(exitStatus.failed, 'Nothing came from stdin.')
  }

  get stop(): AbortSignal {
    return this.terminal.stop
  }

  /** Rejects when nobody is registered on the profile. */
  async openProfile(): Promise<Profile> {
    const profile = await Profile.open(this.surroundings)
    try {
      requireRegistered(await profile.call('account'), profile.settings)
      return profile
    } catch (error) {
      await profile[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Waits a little for what came meanwhile; without the server, what is here has to do. */
  async catchUp(profile: Profile): Promise<void> {
    const { signal, cancel } = deadline(freshMs)
    const settled = await waitFor(profile, {
      watched: 'connection',
      read: async () => {
        const { status, problem } = await profile.call('connection')
        if (status === 'online') return 'online'
        return status === 'offline' || status === 'stopped' ? (problem ?? 'offline') : undefined
      },
      giveUp: AbortSignal.any([signal, this.stop]),
    })
    cancel()
    if (settled === 'online') return
    const why =
      settled === undefined || settled === 'offline' ? 'The server did not answer.' : settled.says
    this.output.say(`${why} This is what is known here.`)
  }
}

/** A number of the command line, or wrong usage. */
export function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value
  throw new CliFailure(exitStatus.usage, `${option} takes a whole number above 0, not ${text}.`)
}

export function seconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  const longest = 1_000_000
  if (text.trim() !== '' && value > 0 && value <= longest) return value * 1000
  throw new CliFailure(exitStatus.usage, `${option} takes a number of seconds, not ${text}.`)
}

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/** Settings are read when a command runs, from the options wherever they stand on the line. */
export type MakeCli = (command: Command) => Cli
