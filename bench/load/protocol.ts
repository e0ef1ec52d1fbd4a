/**
 * What a load scenario needs of a protocol, so that one driver loads every server. Users are
 * numbers from 0 on; messages are numbered from 0 on through a whole run, each number once, at most
 * `messageNumberMax`. Every message is sent on its own, at least `bodyBytes` of body, and confirmed
 * by a delivered receipt that goes through the server.
 */

/** Of each message, what tells its number included. */
export const bodyBytes = 300

/** Eight digits are enough for each protocol's way to write it down. */
export const messageNumberMax = 99_999_999

/** A message as the receiver has read it off the wire; `from` is what the server says. */
export interface SeenMessage {
  readonly number: number
  readonly from: number
  /** What the protocol needs to confirm it; nobody else looks at it. */
  readonly mark: number
}

/**
 * What sessions tell the driver. A session decodes what it gets and compares it with what such a
 * message has to be (sender, body, form); whatever is not as it should be is `wrong`. The driver
 * checks the rest: missing, doubled, out of order, at the wrong user.
 */
export interface LoadEvents {
  /** A message came; with a login, those that had waited come before `logIn` resolves or after. */
  message(session: LoadSession, message: SeenMessage): void
  /** The receipt for this message of the session's user came back; once for each message. */
  confirmed(session: LoadSession, number: number): void
  /** The server has taken this message of the session's user; only where `accepts`. */
  accepted(session: LoadSession, number: number): void
  /** Refused, damaged, not asked for: the run is void. */
  wrong(session: LoadSession, reason: string): void
  /** The server closed the connection of somebody who was logged in. */
  closed(session: LoadSession, reason: string): void
  /**
   * After each chunk from the server, once its messages were told: what was queued meanwhile has to
   * be flushed now.
   */
  chunkRead(session: LoadSession): void
}

/**
 * One user who is logged in, on a TCP connection of its own. Whatever is queued for one session is
 * flushed before anything is queued for another: so a protocol needs one buffer for all of them.
 */
export interface LoadSession {
  readonly user: number
  /** By whichever side. */
  readonly closed: boolean
  /** Queues a message; nothing leaves before `flush`. */
  send(to: number, number: number): void
  /** Queues the delivered receipt for a message that came. */
  confirm(message: SeenMessage): void
  /**
   * Sends all that is queued in one write, with what the protocol itself owes the server by then
   * (acknowledgements).
   */
  flush(): void
  /**
   * Queues the little that a client says now and then so that its silence does not end the
   * connection; nothing where the server minds no silence.
   */
  keepAlive(): void
  /** Drops the connection without a word, and without `closed`. */
  close(): void
}

export interface Login {
  user: number
  /** Wants `accepted`; some protocols say so only when asked to. */
  hearsAccepted: boolean
}

/** How to speak to one server, which runs already. */
export interface Protocol {
  /** Whether a sender can be told that its message was taken. */
  readonly accepts: boolean
  /**
   * Opens a raw TCP connection and logs in with the real authentication of the peer. Resolves when
   * the session can send and receive; rejects when it is refused or the connection ends before.
   */
  logIn(login: Login, events: LoadEvents): Promise<LoadSession>
}
