/**
 * A tab's way to the engine: every tab asks for the lock, the one that gets it starts the worker
 * with the engine, and all of them, that one too, use it over the channel. When the leading tab
 * goes, the next one gets the lock and starts a worker in its turn.
 */
import { systemClock } from '../platform/clock.ts'
import { leadWhenFirst, webLocks } from '../platform/lock.browser.ts'
import { watchNetwork } from '../platform/network.browser.ts'
import { systemRandom } from '../platform/random.ts'
import { problemOf } from '../problems.ts'
import type { ClientProblem } from '../types.ts'
import { type EngineChannel, openBroadcastChannel, openChannelPair } from './channel.ts'
import { EngineHost } from './engine-host.ts'
import { openRemote } from './engine-remote.ts'
import { channelName } from './messages.ts'
import type { RemoteClient } from './remote-types.ts'

const lockName = 'parley-engine'

/** The parts of a Worker that are used here. */
export interface EngineWorker {
  terminate(): void
  onerror: ((event: never) => unknown) | null
}

export interface TabOptions {
  /** Starts the dedicated worker whose script calls `runEngine`. */
  startWorker: () => EngineWorker
}

export function openTab({ startWorker }: TabOptions): RemoteClient {
  const locks = webLocks()
  if (!locks) return failedTab(untrusted)
  const closing = new AbortController()
  const lead = () => startEngine(startWorker)
  const lost = (error: unknown) => {
    throw error
  }
  leadWhenFirst({ locks, name: lockName, signal: closing.signal }, lead).catch(lost)
  const channel = openBroadcastChannel(channelName)
  const remote = remoteOver(channel)
  const unwatch = watchNetwork((isOnline) => channel.post({ kind: 'network', isOnline }))
  return {
    ...remote,
    async [Symbol.asyncDispose]() {
      unwatch()
      await remote[Symbol.asyncDispose]()
      closing.abort()
    },
  }
}

function startEngine(startWorker: () => EngineWorker): () => void {
  const worker = startWorker()
  // A script that cannot be loaded says nothing by itself.
  worker.onerror = () => {
    const channel = openBroadcastChannel(channelName)
    hostOver(channel).fail(problemOf('internal', notLoaded), {})
  }
  return () => worker.terminate()
}

/** An engine of this tab alone, which says what is wrong. */
function failedTab(problem: ClientProblem): RemoteClient {
  const [engineEnd, tabEnd] = openChannelPair()
  hostOver(engineEnd).fail(problem, {})
  return remoteOver(tabEnd)
}

function hostOver(channel: EngineChannel): EngineHost {
  return new EngineHost({ channel, clock: systemClock, random: systemRandom, network() {} })
}

function remoteOver(channel: EngineChannel): RemoteClient {
  return openRemote({ channel, clock: systemClock, random: systemRandom })
}

const untrusted = problemOf(
  'no-crypto',
  'This browser keeps no keys for a page that came over an insecure connection. Open Parley over https, or at localhost.',
)
const notLoaded = 'A part of the app could not be loaded. Reload the page.'
