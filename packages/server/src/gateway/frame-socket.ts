/**
 * The small socket that the gateway works on: a WebSocket in production, one end of a simulated
 * pair in the simulator.
 */
export interface FrameSocket {
  /**
   * False when the bytes could not be taken: the peer reads too slowly, or is gone. Never throws.
   */
  send(bytes: Uint8Array): boolean
  /** Bytes accepted and not yet handed to the network. */
  bufferedBytes(): number
  close(code: number, reason: string): void
}

/** What the transport calls; `open` is given the socket and answers with these. */
export interface SocketEvents {
  message(bytes: Uint8Array): void
  /** The transport can take more. */
  drained(): void
  closed(): void
}

/** A transport that has pings of its own, and answers them by itself, tells of each. */
export interface TransportEvents extends SocketEvents {
  pinged(): void
}
