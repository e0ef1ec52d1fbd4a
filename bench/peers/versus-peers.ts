/** Everybody in the comparison: how to start each, and what has to be installed for it. */
import { ejabberdPackages, startEjabberd } from './ejabberd.ts'
import type { EjabberdStore } from './ejabberd.ts'
import { startKillableParley } from './killable.ts'
import type { KillablePeer } from './killable.ts'
import { startParley } from './parley.ts'
import type { Peer } from './peer.ts'
import { prosodyPackages, startProsody } from './prosody.ts'
import type { ProsodyStore } from './prosody.ts'
import { startRelay } from './relay.ts'
import type { XmppPeerOptions } from './xmpp-peer.ts'

export interface VersusPeer {
  /** As in the rows. */
  name: string
  /** Of Debian. */
  packages: readonly string[]
  /** Does nothing but show what the machine can do: a bare relay. */
  isLimit: boolean
  /** So slow that it gets a fifth of the load, for its runs would not end otherwise. */
  isSlow: boolean
  /** Logins and idle sessions do not depend on where messages are kept: one store is enough. */
  standsForServer: boolean
  start(options: XmppPeerOptions): Promise<Peer>
  /** Undefined where there is nothing that could be lost. */
  startToKill: ((options: XmppPeerOptions) => Promise<KillablePeer>) | undefined
}

const usual = { packages: [], isLimit: false, isSlow: false, standsForServer: true }

const limit = (name: 'relay' | 'relay-sqlite'): VersusPeer => ({
  ...usual,
  name,
  isLimit: true,
  standsForServer: name === 'relay',
  start: () => startRelay(name),
  startToKill: undefined,
})

const ejabberd = (store: EjabberdStore): VersusPeer => {
  const start = (options: XmppPeerOptions) => startEjabberd(store, options)
  return {
    ...usual,
    name: `ejabberd-${store}`,
    packages: ejabberdPackages[store],
    standsForServer: store === 'sqlite',
    start,
    startToKill: start,
  }
}

const prosody = (store: ProsodyStore): VersusPeer => {
  const start = (options: XmppPeerOptions) => startProsody(store, options)
  return {
    ...usual,
    name: `prosody-${store}`,
    packages: prosodyPackages[store],
    isSlow: store === 'sqlite',
    standsForServer: store === 'internal',
    start,
    startToKill: start,
  }
}

export const versusPeers: readonly VersusPeer[] = [
  { ...usual, name: 'parley', start: startParley, startToKill: startKillableParley },
  limit('relay'),
  limit('relay-sqlite'),
  ejabberd('sqlite'),
  ejabberd('pgsql'),
  ejabberd('mnesia'),
  prosody('internal'),
  prosody('sqlite'),
]
