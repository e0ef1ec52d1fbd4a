/** Parley as a peer: the real server in a process of its own, with nothing but limits off. */
import { cpuSeconds, residentKib } from '../load/measure.ts'
import { parleyProtocol } from '../load/parley-protocol.ts'
import { startBenchServer } from '../load/server.ts'
import type { Peer, PeerOptions } from './peer.ts'

export interface ParleyPeer extends Peer {
  /** What its stores have taken so far. */
  dataBytes(): number
}

/** It can only be durable. */
export async function startParley({ users }: PeerOptions): Promise<ParleyPeer> {
  const server = await startBenchServer(users)
  return {
    name: 'parley',
    durable: true,
    stores: true,
    port: server.port,
    protocol: parleyProtocol(server.port, server.users),
    cpuSeconds: () => cpuSeconds(server.pid),
    residentKib: () => residentKib(server.pid),
    dataBytes: server.dataBytes,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
