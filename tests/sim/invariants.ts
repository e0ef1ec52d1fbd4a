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

/** I3: what one device sent stands in the order in which it sent it. */
export function checkOrder(chat: ShownChat, sent: readonly Sent[]): void {
  const order = new Map(sent.map((message, index) => [message.text, index]))
  let last = -1
  for (const item of chat.items) {
    const index = order.get(textOf(item) ?? '')
    if (item.mine || index === undefined) continue
    if (index < last) {
      const what = `${chat.owner} shows "${textOf(item)}" after a later message`
      throw new InvariantBroken('I3', `${what}\n${listing(chat)}`)
    }
    last = index
  }
}

/** I1: what was accepted is shown by its recipient. To be checked when all is healed. */
export function checkNothingLost(sender: ShownChat, recipient: ShownChat): void {
  const shown = new Set(recipient.items.map(textOf))
  for (const item of sender.items) {
    if (!item.mine || item.status === 'pending' || item.status === 'failed') continue
    const text = textOf(item)
    if (text !== undefined && !shown.has(text)) {
      throw new InvariantBroken('I1', `"${text}" is ${item.status} and ${recipient.owner} lacks it`)
    }
  }
}

/**
 * I1, the other half: when all is healed nothing stays behind, for an honest server refuses nothing
 * for good.
 */
export function checkAllArrived(sender: ShownChat, sent: readonly Sent[]): void {
  const status = new Map(sender.items.map((item) => [textOf(item), item.status]))
  for (const message of sent) {
    if (message.from !== sender.owner || message.to !== sender.peer) continue
    const reached = status.get(message.text)
    if (reached === undefined && message.id === undefined) continue
    if (reached !== 'delivered' && reached !== 'read') {
      const what = `"${message.text}" is still ${reached ?? 'nowhere'}`
      throw new InvariantBroken('I1', `${what}\n${listing(sender)}`)
    }
  }
}

/** I4: both show the same history in the same order. */
export function checkConverged(left: ShownChat, right: ShownChat): void {
  const ids = (chat: ShownChat) => chat.items.filter(isMessage).map((item) => item.id)
  const [leftIds, rightIds] = [ids(left), ids(right)]
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

  /** `crashes`: how often a process died until now. */
  check(chat: ShownChat, crashes: number): void {
    const name = `${chat.owner} with ${chat.peer}`
    const ranksNow = new Map(
      chat.items.filter(isMessage).map((item) => [item.id as string, ranks[item.status ?? 'read']]),
    )
    const invariant = this.#crashes.get(name) === crashes ? 'I1' : 'I5'
    for (const [id, rank] of this.#chats.get(name) ?? []) {
      const rankNow = ranksNow.get(id)
      if (rankNow !== undefined && rankNow >= rank) continue
      const what = rankNow === undefined ? 'shows no more what it' : 'takes a tick back that it'
      throw new InvariantBroken(invariant, `${name} ${what} showed: ${id}\n${listing(chat)}`)
    }
    this.#chats.set(name, ranksNow)
    this.#crashes.set(name, crashes)
  }
}
