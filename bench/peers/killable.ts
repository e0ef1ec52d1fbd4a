/** Peers that can be killed under load and started again on what they left behind. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provision, spawnServer } from '@parley/testkit'
import { cpuSeconds, residentKib } from '../load/measure.ts'
import { parleyProtocol } from '../load/parley-protocol.ts'
import type { Protocol } from '../load/protocol.ts'
import type { Peer, PeerOptions } from './peer.ts'

export interface KillablePeer extends Peer {
  /** SIGKILL to all its processes. */
  kill(): Promise<void>
  /** Starts it again on the same data; resolves when it listens. */
  restart(): Promise<Restarted>
}

export interface Restarted {
  protocol: Protocol
  /**
   * Numbers of the messages that the user can still fetch beyond what comes with the login;
   * undefined where there is nothing else.
   */
  readArchive: ((user: number) => Promise<ReadonlySet<number>>) | undefined
}

export async function startKillableParley({ users: count }: PeerOptions): Promise<KillablePeer> {
  await using opened = new AsyncDisposableStack()
  const dataFolder = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  opened.defer(() => rmSync(dataFolder, { recursive: true, force: true }))
  const users = await provision(dataFolder, count)
  let server = await spawnServer({ dataFolder })
  opened.defer(() => server[Symbol.asyncDispose]())
  const port = Number(new URL(server.url).port)
  const kept = opened.move()
  return {
    name: 'parley',
    durable: true,
    stores: true,
    port,
    protocol: parleyProtocol(port, users),
    cpuSeconds: () => cpuSeconds(server.pid),
    residentKib: () => residentKib(server.pid),
    async kill() {
      server.kill('SIGKILL')
      await server.exited
    },
    async restart() {
      server = await spawnServer({ dataFolder, port })
      return { protocol: parleyProtocol(port, users), readArchive: undefined }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
