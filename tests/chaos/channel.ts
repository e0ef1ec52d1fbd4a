/**
 * What the run says to its client programs and hears from them, over Bun's process channel.
 * Everything that counts stands in the histories; this only steers.
 */

export interface RawUser {
  name: string
  account: string
  device: string
  /** Private and public identity key, hex: for new access tokens. */
  identity: { privateKey: string; publicKey: string }
  listHash: string
}

export interface Load {
  /** Messages a second from this program, all participants together. */
  ratePerS: number
  /** Decides who writes to whom, how long, and when. */
  seed: number
}

export interface RawOrders {
  kind: 'raw'
  url: string
  history: string
  users: RawUser[]
  load: Load
}

/** A person with a profile of their own; `account` is known once they are registered. */
export interface SdkUser {
  name: string
  phone: string
  account: string | undefined
}

export interface SdkOrders {
  kind: 'sdk'
  url: string
  history: string
  profiles: string
  /** Grows with each start of the program. */
  run: number
  users: SdkUser[]
  load: Load
}

export type ToClient =
  | { t: 'begin'; orders: RawOrders | SdkOrders }
  | { t: 'code'; phone: string; code: string }
  /** Everybody's account: sending may begin. */
  | { t: 'load'; people: { name: string; account: string }[] }
  /** Write no more, get everything through. */
  | { t: 'settle' }
  /** Write the final chats into the history, and end. */
  | { t: 'finish' }

export type FromClient =
  | { t: 'up' }
  | { t: 'code-please'; phone: string }
  | { t: 'registered'; people: { name: string; account: string }[] }
  | { t: 'count'; sent: number; accepted: number; received: number; settled: boolean; says: string }
  | { t: 'finished' }

/** In a client program: listens for orders; the returned function answers. */
export function answerTo(handle: (order: ToClient) => void): (message: FromClient) => void {
  process.on('message', (order) => handle(order as ToClient))
  process.on('disconnect', () => process.exit(0))
  return (message) => {
    process.send?.(message)
  }
}
