/** Peers that get the same load, one after the other. */
import type { Watch } from '../load/watch.ts'
import { startParley } from './parley.ts'
import type { Peer, PeerOptions, StartPeer } from './peer.ts'
import { startRelay } from './relay.ts'

interface Contender {
  name: string
  start: StartPeer
}

const ours: Contender = { name: 'parley', start: startParley }
const bare: Contender = { name: 'relay', start: () => startRelay('relay') }
const stored: Contender = { name: 'relay-sqlite', start: () => startRelay('relay-sqlite') }

/** Ours comes last: what it is held against has to be there. */
export const withLimits = {
  alone: [ours],
  /** Where nothing is stored. */
  beside: [bare, ours],
  besideBoth: [bare, stored, ours],
} as const

/** Each is started when its turn comes, and gone before the next one's. */
export async function* inTurn(
  contenders: readonly Contender[],
  options: PeerOptions,
  watch: Watch,
): AsyncGenerator<Peer> {
  for (const { name, start } of contenders) {
    watch.begin(`${name}: starting`)
    await using peer = await start(options)
    yield peer
    if (watch.signal.aborted) return
  }
}
