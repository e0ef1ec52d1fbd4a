/**
 * Who is online and who types: in memory only, known while a chat is open, and forgotten with the
 * connection.
 */
import { typingEveryMs, typingExpiresMs } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import type { Core } from '../core.ts'
import type { Connection } from '../connection/connection.ts'
import type { EngineFrame } from '../connection/frame-socket.ts'
import { readContact } from '../store/contacts.ts'

type PresenceFrame = Extract<EngineFrame, { kind: 'presence' }>
type TypingFrame = Extract<EngineFrame, { kind: 'typing' }>

export interface PresenceOf {
  /** undefined: not known. */
  online: boolean | undefined
  /** Unix ms; 0 when not known. */
  lastSeen: number
  typing: boolean
}

/** People whose typing is remembered at once. */
const typingMax = 256

export class Presence {
  readonly #core: Core
  readonly #connection: Connection
  /** Ends the display of typing. */
  readonly #typing = new Map<AccountId, () => void>()
  #watched: AccountId | undefined
  #seen: { online: boolean; lastSeen: number } | undefined
  #said: { peer: AccountId; active: boolean; atMs: number } | undefined

  constructor(core: Core, connection: Connection) {
    this.#core = core
    this.#connection = connection
  }

  of(account: AccountId): PresenceOf {
    const seen = account === this.#watched ? this.#seen : undefined
    return {
      online: seen?.online,
      lastSeen: seen?.lastSeen ?? 0,
      typing: this.#typing.has(account),
    }
  }

  watch(account: AccountId | undefined): void {
    if (account === this.#watched) return
    const before = this.#watched
    this.#watched = account
    this.#seen = undefined
    for (const each of [before, account]) if (each) this.#touch(each)
    this.#subscribe()
  }

  connected(): void {
    this.#said = undefined
    if (this.#watched) this.#subscribe()
  }

  lost(): void {
    this.#seen = undefined
    if (this.#watched) this.#touch(this.#watched)
    for (const peer of [...this.#typing.keys()]) this.#setTyping(peer, false)
  }

  /** Typing is said at most every few seconds, and its end once. */
  say(peer: AccountId, active: boolean): void {
    const now = this.#core.clock.now()
    const said = this.#said?.peer === peer ? this.#said : undefined
    const isNews = said?.active !== active || now - said.atMs >= typingEveryMs
    if (!isNews || (!active && !said)) return
    if (!this.#connection.send({ kind: 'typing', peer, active })) return
    this.#said = { peer, active, atMs: now }
  }

  presence(frame: PresenceFrame): void {
    if (frame.account !== this.#watched) return
    this.#seen = { online: frame.online, lastSeen: frame.lastSeen }
    this.#touch(frame.account)
  }

  typing(frame: TypingFrame): void {
    if (!readContact(this.#core.store, frame.peer)) return
    this.#setTyping(frame.peer, frame.active)
  }

  /** A message of theirs has come: they do not write it any more. */
  wrote(peer: AccountId): void {
    this.#setTyping(peer, false)
  }

  #setTyping(peer: AccountId, active: boolean): void {
    const cancel = this.#typing.get(peer)
    cancel?.()
    this.#typing.delete(peer)
    if (active && this.#typing.size < typingMax) {
      const expire = () => this.#setTyping(peer, false)
      this.#typing.set(peer, this.#core.tasks.after(typingExpiresMs, expire))
    }
    if (active !== (cancel !== undefined)) this.#touch(peer)
  }

  #subscribe(): void {
    const accounts = this.#watched ? [this.#watched] : []
    this.#connection.send({ kind: 'subscribe', accounts })
  }

  #touch(account: AccountId): void {
    this.#core.store.touch('chats', `chat:${account}`)
  }
}
