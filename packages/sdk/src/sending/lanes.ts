/**
 * What the outbox remembers of each person's log while connected: what is on its way, up to where
 * it was sent, and when to go on after a refusal. Lost with the connection.
 */
import type { AccountId } from '@parley/wire'

export interface Lane {
  readonly peer: AccountId
  /** Sequence to frame bytes of what was sent and not answered. */
  readonly inFlight: Map<number, number>
  /** Everything up to this sequence was sent on this connection. */
  sentUpTo: number
  /**
   * Something was refused and comes again: nothing more goes out before all that is on its way has
   * been answered.
   */
  refused: boolean
  /** The server's lists have to be asked for before the next sealing. */
  refresh: boolean
  /** Device's clock, ms. */
  notBeforeMs: number
  /** Attempts in a row that came to nothing. */
  failures: number
  /** Times that the server had something come again, since it last took something. */
  refusals: number
  running: boolean
  /** Something happened while it was running. */
  again: boolean
}

export function newLane(peer: AccountId): Lane {
  return {
    peer,
    inFlight: new Map(),
    sentUpTo: 0,
    refused: false,
    refresh: false,
    notBeforeMs: 0,
    failures: 0,
    refusals: 0,
    running: false,
    again: false,
  }
}

/** The send with this sequence is to come again, and what follows it. */
export function rewind(lane: Lane, sequence: number): void {
  lane.sentUpTo = Math.min(lane.sentUpTo, sequence - 1)
  lane.refused = true
}
