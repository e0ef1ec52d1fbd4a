/** What the dedicated worker of the leading tab runs: database, engine, and the host that all tabs use it through. */
import { nobleDh } from '@parley/crypto'
import { browserDh } from '@parley/crypto/dh-browser'
import { openClient } from '../client.ts'
import { systemClock } from '../platform/clock.ts'
import { systemRandom } from '../platform/random.ts'
import { browserTransport } from '../platform/transport.browser.ts'
import { asParleyError } from '../problems.ts'
import { openBrowserDriver, removeBrowserStore } from '../store/sqlite.browser.ts'
import { openBroadcastChannel } from './channel.ts'
import { EngineHost } from './engine-host.ts'
import { channelName } from './messages.ts'

const storeName = 'engine'

export interface RunEngineOptions {
  /** Origin of the server. */
  server: string
}

/** Never rejects: what stands in the way is said to the tabs. */
export async function runEngine(options: RunEngineOptions): Promise<void> {
  const channel = openBroadcastChannel(channelName)
  const host = new EngineHost({ channel, clock: systemClock, random: systemRandom })
  await start(host, options)
}

async function start(host: EngineHost, options: RunEngineOptions): Promise<void> {
  try {
    const { driver, persistent } = await openBrowserDriver(storeName, systemClock)
    try {
      const client = openClient({
        driver,
        clock: systemClock,
        random: systemRandom,
        transport: browserTransport,
        dh: (await browserDh()) ?? nobleDh,
        server: options.server,
        recordEvents: false,
        observeMessageKey: undefined,
      })
      client.start()
      host.serve(client, persistent)
    } catch (error) {
      driver.close()
      throw error
    }
  } catch (error) {
    // A profile that cannot be opened can still be left behind, and begun anew.
    const logout = async () => {
      await removeBrowserStore(storeName)
      await start(host, options)
    }
    host.fail(asParleyError(error).problem, { logout })
  }
}
