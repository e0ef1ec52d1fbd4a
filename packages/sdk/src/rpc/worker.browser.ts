/**
 * What the dedicated worker of the leading tab runs: database, engine, and the host that all tabs
 * use it through.
 */
import { browserCurve } from '@parley/crypto/browser'
import { openClient } from '../client.ts'
import { systemClock } from '../platform/clock.ts'
import { watchNetwork } from '../platform/network.browser.ts'
import type { SqlDriver, Transport } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { browserTransport } from '../platform/transport.browser.ts'
import { asParleyError } from '../problems.ts'
import { openBrowserDriver, removeBrowserStore } from '../store/sqlite.browser.ts'
import type { Client } from '../types.ts'
import { openBroadcastChannel } from './channel.ts'
import { EngineHost } from './engine-host.ts'
import { channelName } from './messages.ts'

const storeName = 'engine'

export interface RunEngineOptions {
  /** Origin of the server. */
  server: string
}

/** Never rejects: what stands in the way is said to the tabs. */
export async function runEngine({ server }: RunEngineOptions): Promise<void> {
  const channel = openBroadcastChannel(channelName)
  const { network, transport } = tabsTransport()
  const host = new EngineHost({ channel, clock: systemClock, random: systemRandom, network })
  await start(host, { server, transport })
}

/** The browser's network, with what the tabs say of it. */
function tabsTransport() {
  const listeners = new Set<(isOnline: boolean) => void>()
  const network = (isOnline: boolean) => {
    for (const listener of [...listeners]) listener(isOnline)
  }
  const watch = (changed: (isOnline: boolean) => void) => {
    listeners.add(changed)
    const unwatch = watchNetwork(changed)
    return () => {
      listeners.delete(changed)
      unwatch()
    }
  }
  return { network, transport: { ...browserTransport, watch } }
}

interface Surroundings {
  server: string
  transport: Transport
}

async function start(host: EngineHost, surroundings: Surroundings): Promise<void> {
  try {
    const { driver, persistent } = await openBrowserDriver(storeName, systemClock)
    const client = await openOver(driver, surroundings)
    client.start()
    host.serve(client, persistent)
  } catch (error) {
    // A profile that cannot be opened can still be left behind, and begun anew.
    const logout = async () => {
      await removeBrowserStore(storeName)
      await start(host, surroundings)
    }
    host.fail(asParleyError(error).problem, { logout })
  }
}

async function openOver(driver: SqlDriver, surroundings: Surroundings): Promise<Client> {
  try {
    return openClient({
      ...surroundings,
      driver,
      clock: systemClock,
      random: systemRandom,
      curve: (await browserCurve()) ?? (await import('@parley/crypto/reference')).nobleCurve,
      recordEvents: false,
      observeMessageKey: undefined,
    })
  } catch (error) {
    driver.close()
    throw error
  }
}
