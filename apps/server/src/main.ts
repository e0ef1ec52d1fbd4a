/**
 * `parley serve`: reads the settings, starts the server, says when it is ready, and drains when
 * told to stop.
 */
import { ConfigError, describeSettings, readConfig } from './config.ts'
import { systemClock, systemRandom } from './platform/clock.ts'
import { openServer, type Server } from './server.ts'
import { StartError } from './start-error.ts'
import { builtWebApp, buildWebApp } from './web-build.ts'

export {
  backUp,
  BackupError,
  dataFolderOf,
  examineBackup,
  examineDataFolder,
  type Progress,
  restore,
} from './backups.ts'
export { ConfigError, type Config, readConfig } from './config.ts'
export { systemClock, systemRandom } from './platform/clock.ts'
export { openServer, type Server } from './server.ts'
export { StartError } from './start-error.ts'
export { builtWebApp, buildWebApp } from './web-build.ts'
export type { Surroundings } from './wiring.ts'

/** Runs until a signal; the exit status: 0 stopped, 1 could not start, 2 wrong usage. */
export async function serve(argv: readonly string[]): Promise<number> {
  try {
    const config = readConfig(argv, process.env)
    if (!config) {
      print(describeSettings())
      return 0
    }
    const stopped = whenToldToStop()
    const surroundings = {
      clock: systemClock,
      random: systemRandom,
      sms: undefined,
      log: undefined,
    }
    const webRoot = config.webFolder ?? builtWebApp
    const server = await openServer(config, { ...surroundings, print }, webRoot)
    if (config.webFolder === undefined) await Promise.race([buildWebApp(say), stopped])
    print(`Parley is ready at ${server.url}`)
    if (!config.loopback) say('No SMS gateway is configured, so no new number can be registered.')
    await stopped
    await stopQuietly(server)
    return 0
  } catch (error) {
    if (error instanceof ConfigError) return refuse(error, 2)
    if (error instanceof StartError) return refuse(error, 1)
    throw error
  }
}

function refuse(error: Error, status: number): number {
  say(error.message)
  return status
}

async function stopQuietly(server: Server): Promise<void> {
  say('Stopping; connections are told to come back later.')
  await server.stop()
}

/** A second signal ends the process at once. */
function whenToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    let told = false
    const stop = () => {
      if (told) process.exit(1)
      told = true
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) process.exit(await serve(process.argv.slice(2)))
