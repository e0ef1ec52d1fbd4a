/**
 * Data goes to stdout, talk to stderr. With --json a result is one JSON object on a line of its
 * own, and stdout holds nothing else.
 */

export interface OutputOptions {
  json: boolean
  quiet: boolean
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  environment: Readonly<Record<string, string | undefined>>
}

export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly #options: OutputOptions
  readonly #colour: boolean

  constructor(options: OutputOptions) {
    this.#options = options
    this.json = options.json
    this.quiet = options.quiet
    this.#colour =
      !options.json && options.stdout.isTTY === true && !options.environment['NO_COLOR']
  }

  /** A result. Resolves when the system has taken it; rejects when nobody reads any more. */
  data(value: Readonly<Record<string, unknown>>, text: string): Promise<void> {
    return this.#write(this.#options.stdout, `${this.json ? JSON.stringify(value) : text}\n`)
  }

  /** What a person wants to know and a script does not. */
  say(text: string): void {
    if (!this.quiet) this.#options.stderr.write(`${text}\n`)
  }

  /** Names and ids. */
  accent(text: string): string {
    return this.#colour ? `\u001b[36m${text}\u001b[39m` : text
  }

  /** Times and hints. */
  faint(text: string): string {
    return this.#colour ? `\u001b[2m${text}\u001b[22m` : text
  }

  #write(stream: NodeJS.WriteStream, text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()))
    })
  }
}

const controlCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/**
 * What others wrote may not steer the terminal: control characters but tab and line feed are shown
 * as a sign.
 */
export function printable(text: string): string {
  return text.replaceAll(controlCharacters, '\ufffd')
}

/** Several lines of a message stay apart from the next one. */
export function indented(text: string): string {
  return printable(text).replaceAll('\n', '\n    ')
}

/** ISO 8601 in UTC, for scripts. */
export function timestamp(unixMs: number): string {
  return new Date(unixMs).toISOString()
}

/** Local time to the minute, for people. */
export function timeOfDay(unixMs: number): string {
  const date = new Date(unixMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}
