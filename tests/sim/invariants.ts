/**
 * The invariants I1-I4 and I7 (docs/ARCHITECTURE.md), checked on what the clients' own stores show.
 */
import type { TimelineItem } from '@parley/sdk'

export interface Sent {
  /** Unique over the run. */
  text: string
  from: string
  to: string
  /** Undefined: its author's process died before it said whether the message was kept. */
  id: string | undefined
  /** In which profile, and on which device of it, it was written. */
  profile: string
  device: string
  /** The profile was put back to a state from before it was written, or sent. */
  forgotten: boolean
  /** It waited in the state that the profile was put back to, and got another stamp from it. */
  restamped: boolean
}

/** What a person's devices have been through, as far as it excuses what is missing. */
export interface Past {
  /** The profile in use. */
  profile: string
  /** What was sent before, by number, may have been shown by another device, or an older state. */
  since: number
  /** What was sent before was for another root: who has it now cannot get it (E1). */
  rootSince: number
}

export interface Excuses {
  /** Not in the author's profile, or with a stamp that its recipient does not have. */
  byAuthor: (message: Sent) => boolean
  /** An earlier device of the recipient may have shown it. */
  byRecipient: (message: Sent) => boolean
  /** It can reach nobody any more. */
  byRoot: (message: Sent) => boolean
  /** Its author has another root since: nobody vouches for it any more (E1). */
  byAuthorsRoot: (message: Sent) => boolean
}

/** `pasts`: by person. */
export function excusesOf(sent: readonly Sent[], pasts: ReadonlyMap<string, Past>): Excuses {
  const numbers = new Map(sent.map((message, index) => [message, index]))
  const isBefore = (message: Sent, bound: number | undefined) =>
    (numbers.get(message) ?? 0) < (bound ?? 0)
  return {
    byAuthor: (message) =>
      message.forgotten || pasts.get(message.from)?.profile !== message.profile,
    byRecipient: (message) => isBefore(message, pasts.get(message.to)?.since),
    byRoot: (message) => isBefore(message, pasts.get(message.to)?.rootSince),
    byAuthorsRoot: (message) => isBefore(message, pasts.get(message.from)?.rootSince),
  }
}

/** What one client shows of its chat with one peer, in display order. */
export interface ShownChat {
  owner: string
  peer: string
  items: readonly TimelineItem[]
}

export type InvariantName = `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`

export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken'
  readonly invariant: InvariantName
  constructor(invariant: InvariantName, message: string) {
    super(`${invariant}: ${message}`)
    this.invariant = invariant
  }
}

const textOf = (item: TimelineItem) => (item.body.kind === 'text' ? item.body.text : undefined)
/** As much of a text as a person needs to know it by. */
const inShort = (text: string | undefined) => text?.slice(0, 60)
const isMessage = (item: TimelineItem) => item.body.kind !== 'notice'
/** A place for what may still come; it goes when another device of the account turns out to have it. */
const isPlace = ({ body }: TimelineItem) => body.kind === 'unreadable' && body.state === 'waiting'

const isLost = ({ body }: TimelineItem) => body.kind === 'unreadable' && body.state === 'lost'

function listing(chat: ShownChat): string {
  const rows = chat.items.map((item) => {
    const { stamp, status = 'in', body, failure } = item
    return `  ${stamp} ${status} ${inShort(textOf(item)) ?? JSON.stringify(body)} ${failure?.code ?? ''}`
  })
  return rows.join('\n')
}

/** I2: nothing is shown twice, and nothing that nobody wrote. */
export function checkShownOnce(chat: ShownChat, sent: readonly Sent[]): void {
  const written = new Map(sent.map((message) => [message.text, message]))
  const seen = new Set<string>()
  for (const item of chat.items) {
    const text = textOf(item)
    if (text === undefined) continue
    if (seen.has(text)) throw new InvariantBroken('I2', `${chat.owner} shows "${text}" twice`)
    seen.add(text)
    const message = written.get(text)
    const author = item.mine ? chat.owner : chat.peer
    if (!message || message.from !== author) {
      throw new InvariantBroken('I2', `${chat.owner} shows "${text}", which ${author} never wrote`)
    }
  }
}

/**
 * What was dated before a change of the key and came after it: it stands below the notice, in the
 * order in which it came, for whoever has another key could date it back (E1).
 */
function displaced(chat: ShownChat): Set<string> {
  const ids = new Set<string>()
  let noticedAt = 0
  for (const item of chat.items) {
    if (!isMessage(item)) noticedAt = Math.max(noticedAt, item.stamp)
    else if (item.stamp <= noticedAt) ids.add(item.id)
  }
  return ids
}

/** I3: what one device sent stands in the order in which it sent it. */
export function checkOrder(chat: ShownChat, sent: readonly Sent[]): void {
  const order = new Map(sent.map((message, index) => [message.text, index]))
  const lastOf = new Map<string, number>()
  const elsewhere = displaced(chat)
  for (const item of chat.items) {
    const index = order.get(textOf(item) ?? '')
    if (item.mine || index === undefined || elsewhere.has(item.id)) continue
    const device = sent[index]?.device ?? ''
    const last = lastOf.get(device) ?? -1
    if (index < last) {
      const what = `${chat.owner} shows "${textOf(item)}" after a later message`
      throw new InvariantBroken('I3', `${what}\n${listing(chat)}`)
    }
    lastOf.set(device, index)
  }
}

/**
 * I1: what was accepted is shown by its recipient, or said to be lost where nobody vouches for it
 * any more. To be checked when all is healed.
 */
export function checkNothingLost(
  sender: ShownChat,
  recipient: ShownChat,
  { sent, excuses }: Healed,
): void {
  const shown = new Set(recipient.items.map(textOf))
  const lost = new Set(recipient.items.filter(isLost).map(({ id }) => id))
  const written = new Map(sent.map((message) => [message.text, message]))
  for (const item of sender.items) {
    if (!item.mine || item.status === 'pending' || item.status === 'failed') continue
    const text = textOf(item)
    if (text === undefined || shown.has(text)) continue
    const message = written.get(text)
    const isDelivered = item.status !== 'accepted'
    if (message && isDelivered && excuses.byRecipient(message)) continue
    if (message && excuses.byRoot(message)) continue
    if (message && lost.has(item.id) && excuses.byAuthorsRoot(message)) continue
    const what = `"${inShort(text)}" is ${item.status} and ${recipient.owner} lacks it`
    throw new InvariantBroken('I1', `${what}\n${listing(recipient)}`)
  }
}

/** All that people wrote, and what may be missing of it. */
export interface Healed {
  sent: readonly Sent[]
  excuses: Excuses
}

/**
 * I1, the other half: when all is healed nothing stays behind, for an honest server refuses nothing
 * for good.
 */
export function checkAllArrived(sender: ShownChat, { sent, excuses }: Healed): void {
  const status = new Map(sender.items.map((item) => [textOf(item), item.status]))
  for (const message of sent) {
    if (message.from !== sender.owner || message.to !== sender.peer) continue
    if (excuses.byRoot(message) || excuses.byAuthor(message)) continue
    if (excuses.byAuthorsRoot(message)) continue
    const reached = status.get(message.text)
    if (reached === undefined && message.id === undefined) continue
    if (reached !== 'delivered' && reached !== 'read') {
      const what = `"${inShort(message.text)}" is still ${reached ?? 'nowhere'}`
      throw new InvariantBroken('I1', `${what}\n${listing(sender)}`)
    }
  }
}

/** I4: both show the same history in the same order. */
export function checkConverged(left: ShownChat, right: ShownChat, { sent, excuses }: Healed): void {
  const excused = (message: Sent) =>
    message.restamped || excuses.byAuthor(message) || excuses.byRecipient(message)
  const missing = sent.filter(excused)
  const ids = new Set([...missing.map(({ id }) => id), ...displaced(left), ...displaced(right)])
  const texts = new Set(missing.map(({ text }) => text))
  const known = new Set(sent.map(({ id }) => id))
  // What cannot be read and whose author died writing it can only be told by its text.
  const isNamed = (item: TimelineItem) => textOf(item) !== undefined || known.has(item.id)
  const isCommon = (item: TimelineItem) =>
    isMessage(item) && isNamed(item) && !ids.has(item.id) && !texts.has(textOf(item) ?? '')
  const idsOf = (chat: ShownChat) => chat.items.filter(isCommon).map((item) => item.id)
  const [leftIds, rightIds] = [idsOf(left), idsOf(right)]
  const differs = leftIds.findIndex((id, index) => id !== rightIds[index])
  if (differs >= 0 || leftIds.length !== rightIds.length) {
    const what = `${left.owner} shows ${leftIds.length}, ${right.owner} ${rightIds.length}`
    const all = [left, right].map((chat) => `${chat.owner}:\n${listing(chat)}`)
    throw new InvariantBroken('I4', `${what}; first difference at ${differs}\n${all.join('\n')}`)
  }
}

/** I7: no message key encrypts twice. */
export class MessageKeys {
  readonly #used = new Map<string, string>()

  /**
   * `purpose`: which ciphertext; encrypting the same one again (a repeat after a crash) is a second
   * use all the same.
   */
  record(owner: string, messageKeyId: string): void {
    const before = this.#used.get(messageKeyId)
    if (before !== undefined) {
      throw new InvariantBroken('I7', `${owner} used a message key that ${before} used before`)
    }
    this.#used.set(messageKeyId, owner)
  }
}

const ranks = { pending: 0, failed: 0, accepted: 1, delivered: 2, read: 3 } as const

/** I5: what was once shown stays, and no tick is taken back, whatever crashed meanwhile. */
export class ShownBefore {
  readonly #chats = new Map<string, Map<string, number>>()
  readonly #crashes = new Map<string, number>()

  /** The person looks at another state from here on. */
  forget(owner: string): void {
    for (const name of this.#chats.keys()) {
      if (name.startsWith(`${owner} with `)) this.#chats.delete(name)
    }
  }

  /**
   * `crashes`: how often a process died until now; `restores`: how often the server was restored,
   * after which what was accepted may have to be accepted again (Y42).
   */
  check(chat: ShownChat, { crashes, restores }: { crashes: number; restores: number }): void {
    const name = `${chat.owner} with ${chat.peer}`
    const kept = chat.items.filter((item) => isMessage(item) && !isPlace(item))
    const ranksNow = new Map(kept.map((item) => [item.id as string, ranks[item.status ?? 'read']]))
    const invariant = this.#crashes.get(name) === crashes ? 'I1' : 'I5'
    for (const [id, rank] of this.#chats.get(name) ?? []) {
      const rankNow = ranksNow.get(id)
      const wanted = restores > 0 && rank === ranks.accepted ? ranks.pending : rank
      if (rankNow !== undefined && rankNow >= wanted) continue
      const what = rankNow === undefined ? 'shows no more what it' : 'takes a tick back that it'
      throw new InvariantBroken(invariant, `${name} ${what} showed: ${id}\n${listing(chat)}`)
    }
    this.#chats.set(name, ranksNow)
    this.#crashes.set(name, crashes)
  }
}
