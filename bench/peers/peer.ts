/** What a benchmark needs of a server under test, whichever it is. */
import type { Protocol } from '../load/protocol.ts'

export interface PeerOptions {
  /** Accounts that can log in: users 0 to users - 1. */
  users: number
  /**
   * Every message is on the disk before it is delivered, whether or not its receiver is online.
   * Peers that cannot choose ignore it.
   */
  durable: boolean
}

/** A running server in processes and a temporary folder of its own; disposing removes both. */
export interface Peer extends AsyncDisposable {
  /** `parley`, `relay`, `relay-sqlite`, `ejabberd-sqlite` and so on. */
  readonly name: string
  /** Every message is on the disk before it is delivered; what the server does, not was asked. */
  readonly durable: boolean
  /** Keeps messages for users who are away until they log in. */
  readonly stores: boolean
  /** On 127.0.0.1. */
  readonly port: number
  readonly protocol: Protocol
  /**
   * User and system CPU seconds so far of all its processes, those that ended included; steps of 10
   * ms.
   */
  cpuSeconds(): number
  /** Resident memory of all its processes. */
  residentKib(): number
}

export type StartPeer = (options: PeerOptions) => Promise<Peer>
