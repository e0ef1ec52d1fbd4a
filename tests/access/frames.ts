/**
 * The table of who may do what with each kind of frame (S9). Everybody aims at what is the owner's:
 * its inbox, its device, its presence. A frame of somebody who was not let in is sent right behind
 * the Hello, as a client in a hurry does; `anonymous` says none.
 */
import { type ClientFrame, type CloseReasonName, inboxOf, type ServerFrame } from '@parley/wire'
import type { Asker, World } from './world.ts'

/** What comes of a frame. */
export interface Outcome {
  /** The answer; undefined when there is none. */
  answer: ServerFrame['kind'] | undefined
  /** What a Rejected says. */
  reason?: string
  closed?: CloseReasonName
  /** Stores that change: first words of a line of World.stored. */
  touches?: readonly string[]
}

export interface FrameRow {
  kind: ClientFrame['kind']
  frame: (world: World, asker: Asker) => ClientFrame | Promise<ClientFrame>
  may: Readonly<Record<Asker, Outcome>>
}

const closed = (reason: CloseReasonName): Outcome => ({ answer: undefined, closed: reason })

/** Nothing is done for anybody before a Hello with a token that counts. */
const nobody = {
  anonymous: closed('badFrame'),
  forged: closed('tokenInvalid'),
  expired: closed('tokenExpired'),
  outdated: closed('tokenInvalid'),
  'logged out': closed('revoked'),
  removed: closed('revoked'),
  replaced: closed('revoked'),
} as const

const anybody = (outcome: Outcome) => ({
  owner: outcome,
  sibling: outcome,
  peer: outcome,
  stranger: outcome,
})

/** A log that is not the asker's own (S13). */
const foreignLog: Outcome = { answer: 'rejected', reason: 'unknown-log' }

const ownersLog = (world: World) => inboxOf(world.owner.account)

export const frameRows: { readonly [Kind in ClientFrame['kind']]: FrameRow } = {
  hello: {
    kind: 'hello',
    // With the owner's cursor: what somebody claims to have read of another log is passed over.
    frame: (world, asker) => ({
      kind: 'hello',
      token: world.who(asker).token,
      cursors: [{ log: ownersLog(world), position: 0 }],
      capabilities: [],
    }),
    may: { ...anybody({ answer: 'welcome' }), ...nobody, anonymous: closed('tokenInvalid') },
  },
  send: {
    kind: 'send',
    // Anybody may write to anybody until blocking and requests come. The sender is the token's.
    frame: (world, asker) => world.toOwner(world.who(asker)),
    may: { ...anybody({ answer: 'accepted', touches: ['entry', 'sequence'] }), ...nobody },
  },
  ack: {
    kind: 'ack',
    frame: async (world) => {
      const log = ownersLog(world)
      const [position = 0] = await world.api.context.log.heads([log])
      return { kind: 'ack', log, position }
    },
    may: {
      owner: { answer: undefined, touches: ['cursor'] },
      sibling: { answer: undefined, touches: ['cursor'] },
      peer: foreignLog,
      stranger: foreignLog,
      ...nobody,
    },
  },
  receipt: {
    kind: 'receipt',
    // The owner's device wrote to the peer and to nobody else, so only the peer has something to say;
    // everybody is told that it is done, for nobody shall learn who writes with whom.
    frame: (world) => ({
      kind: 'receipt',
      peer: world.owner.account,
      peerDevice: world.owner.device.id,
      delivered: 1,
      read: 1,
    }),
    may: {
      ...anybody({ answer: 'receipts' }),
      peer: { answer: 'receipts', touches: ['entry'] },
      ...nobody,
    },
  },
  fetch: {
    kind: 'fetch',
    frame: (world) => ({ kind: 'fetch', log: ownersLog(world), after: 0, limit: 10 }),
    may: {
      owner: { answer: 'entry' },
      sibling: { answer: 'entry' },
      peer: foreignLog,
      stranger: foreignLog,
      ...nobody,
    },
  },
  typing: {
    kind: 'typing',
    frame: (world) => ({ kind: 'typing', peer: world.owner.account, active: true }),
    may: {
      // It goes to all connections of the account, the typing one among them.
      owner: { answer: 'typing' },
      sibling: { answer: 'typing' },
      peer: { answer: undefined },
      stranger: { answer: undefined },
      ...nobody,
    },
  },
  subscribe: {
    kind: 'subscribe',
    // Anybody may know who is online until that becomes a setting.
    frame: (world) => ({ kind: 'subscribe', accounts: [world.owner.account] }),
    may: { ...anybody({ answer: 'presence' }), ...nobody },
  },
  ping: {
    kind: 'ping',
    frame: () => ({ kind: 'ping' }),
    may: { ...anybody({ answer: 'pong' }), ...nobody },
  },
}
