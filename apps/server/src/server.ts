/**
 * One whole server in this process: backends, roles and port, opened in this order and closed in
 * the opposite one.
 */
import { type RunningServer, startServer } from '@parley/server'
import { version } from '../package.json'
import type { Config } from './config.ts'
import { listen } from './listen.ts'
import { openBackends, type Surroundings } from './wiring.ts'

export interface Server extends AsyncDisposable {
  url: string
  running: RunningServer
  /**
   * Says goodbye to connections, finishes what is under way, closes everything; within `stopMsMax`.
   */
  stop(): Promise<void>
}

/** SIGTERM must be done with in ten seconds. */
const drainMsMax = 5_000
const requestsMsMax = 2_000

/** Throws a StartError; then nothing is left open. */
export async function openServer(
  config: Config,
  surroundings: Surroundings,
  webRoot: string | undefined,
): Promise<Server> {
  await using opened = new AsyncDisposableStack()
  const { context } = opened.use(await openBackends(config, surroundings))
  const running = opened.use(await startServer(context, { ...optionsOf(config), webRoot }))
  const listening = listen(running, config)
  opened.defer(() => listening.stop({ closeNow: true }))
  const kept = opened.move()
  const { clock } = surroundings
  const within = (limitMs: number, work: Promise<unknown>) => {
    return new Promise<void>((resolve) => {
      const cancel = clock.after(limitMs, resolve)
      const done = () => {
        cancel()
        resolve()
      }
      work.then(done, done)
    })
  }
  return {
    url: listening.url,
    running,
    async stop() {
      await within(drainMsMax, running.drain())
      await within(requestsMsMax, listening.stop({ closeNow: false }))
      await kept.disposeAsync()
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function optionsOf(config: Config) {
  const { name, defaultCountry, unlimited, publicUrl, retentionDays } = config
  const allowedOrigins = [...config.allowedOrigins, ...(publicUrl ? [publicUrl] : [])]
  const secure = publicUrl?.startsWith('https://') ?? false
  return { name, version, defaultCountry, unlimited, retentionDays, allowedOrigins, secure }
}
