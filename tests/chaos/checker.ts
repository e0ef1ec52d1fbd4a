/**
 * Proves the verdict of a chaos run from its history alone. Shares no code with server or SDK, and
 * takes nothing for granted but that each participant's lines stand in the order in which it saw
 * things.
 *
 *   lost           accepted (or ticked, or kept by its sender's profile), and its recipient has it
 *                  not: a raw one never took it, an SDK one has no such text in its final chat or
 *                  never printed it. Also: kept, and not in the sender's own final chat.
 *   duplicated     taken twice, printed twice by one program or after it was done with, or twice in
 *                  a final chat. A program that was killed may print again what was not done with.
 *   reordered      of one sender's messages to one person: taken, printed or finally shown after a
 *                  later one; taken at positions that do not grow. What waited for its sender to
 *                  send it again may be printed late, and stands in its place in the final chat.
 *   undecryptable  left unreadable in a final chat
 *   invented       taken, printed or shown, and never written
 *   unaccepted     kept by its sender, and not accepted when everything was whole again
 *   unended        participants whose history breaks off
 */
import type { HistoryLine } from './history.ts'

export interface Verdict {
  sent: number
  accepted: number
  /** Messages that their recipient's device has. */
  delivered: number
  /** Those of them that an SDK client decrypted, keeps and printed. */
  displayed: number
  lost: number
  duplicated: number
  reordered: number
  undecryptable: number
  invented: number
  unaccepted: number
  unended: number
  /** The first few of what is wrong, in words. */
  findings: string[]
}

/** What is known of one message, as bits. */
const written = 1
const kept = 2
const accepted = 4
const taken = 8
const shown = 16
const inSendersChat = 32
const inReadersChat = 64
const waited = 128
const unreadable = 256
const doneWith = 512

/** What one sender wrote to one person. */
interface Pair {
  from: string
  to: string
  messages: Map<number, number>
  lastTaken: number
  lastShown: number
  /** Of the reader's present program. */
  shownInRun: Set<number>
  lastShownInRun: number
  lastFinal: { mine: number; theirs: number }
}

interface Participant {
  kind: 'raw' | 'sdk'
  ended: boolean
  lastPosition: number
  /** Printed, and not done with. */
  printed: { pair: Pair; n: number }[]
}

const findingsMax = 50
const tickedStatuses = new Set(['accepted', 'delivered', 'read'])

export class Checker {
  readonly #pairs = new Map<string, Pair>()
  readonly #participants = new Map<string, Participant>()
  readonly #counts = { duplicated: 0, reordered: 0, undecryptable: 0, odd: 0 }
  readonly #findings: string[] = []

  take(line: HistoryLine): void {
    switch (line.t) {
      case 'open':
        return this.#open(line)
      case 'send':
        return this.#mark(this.#pair(line.p, line.to), line.n, written)
      case 'kept':
        return this.#mark(this.#pair(line.p, line.to), line.n, kept)
      case 'accept':
        return this.#mark(this.#pair(line.p, line.to), line.n, accepted)
      case 'take':
        return this.#take(line)
      case 'wait':
        return this.#mark(this.#pair(line.from, line.p), line.n, waited)
      case 'show':
        return this.#show(line)
      case 'done':
        return this.#done(this.#participant(line.p))
      case 'final':
        return this.#final(line)
      case 'odd':
        this.#counts.odd++
        return this.#find(`${line.p}: ${line.says}`)
      case 'end':
        this.#participant(line.p).ended = true
    }
  }

  verdict(): Verdict {
    const sum = { sent: 0, accepted: 0, delivered: 0, displayed: 0, lost: 0, unaccepted: 0 }
    let invented = this.#counts.odd
    for (const pair of this.#pairs.values()) {
      for (const [n, bits] of pair.messages) {
        if (!(bits & written)) {
          invented++
          this.#find(`${nameOf(pair, n)} was never written`)
          continue
        }
        this.#judge(pair, n, sum)
      }
    }
    const unended = [...this.#participants].filter(([, { ended }]) => !ended)
    for (const [name] of unended) this.#find(`${name} breaks off`)
    const { duplicated, reordered, undecryptable } = this.#counts
    const { sent, accepted: taught, delivered, displayed, lost, unaccepted } = sum
    return {
      ...{ sent, accepted: taught, delivered, displayed },
      ...{ lost, duplicated, reordered, undecryptable },
      ...{ invented, unaccepted, unended: unended.length, findings: this.#findings },
    }
  }

  #judge(
    pair: Pair,
    n: number,
    sum: { [K in 'sent' | 'accepted' | 'delivered' | 'displayed' | 'lost' | 'unaccepted']: number },
  ): void {
    const bits = pair.messages.get(n) ?? 0
    const isRaw = this.#participants.get(pair.to)?.kind !== 'sdk'
    const isPromised = (bits & (kept | accepted | inSendersChat)) !== 0
    const senderIsRaw = this.#participants.get(pair.from)?.kind !== 'sdk'
    const has = isRaw ? bits & taken : bits & inReadersChat && bits & shown
    // An SDK client that was killed before its commit has not sent anything.
    if (!senderIsRaw && !isPromised && !has) return
    sum.sent++
    if (bits & accepted) sum.accepted++
    if (bits & (taken | inReadersChat)) sum.delivered++
    if (!isRaw && has) sum.displayed++
    if (!(bits & accepted)) {
      sum.unaccepted++
      this.#find(`${nameOf(pair, n)} was not accepted`)
    }
    const isGone = !senderIsRaw && isPromised && !(bits & inSendersChat)
    if (isGone) this.#find(`${nameOf(pair, n)} is not in its sender's chat`)
    if (bits & accepted && !has) this.#find(`${nameOf(pair, n)} is lost: ${whatOf(bits)}`)
    if (isGone || (bits & accepted && !has)) sum.lost++
  }

  #open({ p, kind }: HistoryLine & { t: 'open' }): void {
    const participant = this.#participant(p)
    participant.kind = kind
    participant.ended = false
    participant.printed = []
    for (const pair of this.#pairs.values()) {
      if (pair.to !== p) continue
      pair.shownInRun.clear()
      pair.lastShownInRun = 0
    }
  }

  #take({ p, from, n, at }: HistoryLine & { t: 'take' }): void {
    const pair = this.#pair(from, p)
    const participant = this.#participant(p)
    if (this.#has(pair, n, taken)) this.#duplicated(pair, n, 'was taken twice')
    else if (n < pair.lastTaken) this.#reordered(pair, n, `was taken after ${pair.lastTaken}`)
    else if (at <= participant.lastPosition) this.#reordered(pair, n, `was taken at ${at}`)
    pair.lastTaken = Math.max(pair.lastTaken, n)
    participant.lastPosition = Math.max(participant.lastPosition, at)
    this.#mark(pair, n, taken)
  }

  #show({ p, from, n }: HistoryLine & { t: 'show' }): void {
    const pair = this.#pair(from, p)
    const isLate = this.#has(pair, n, waited)
    if (this.#has(pair, n, doneWith)) this.#duplicated(pair, n, 'was printed when it was done with')
    else if (pair.shownInRun.has(n)) this.#duplicated(pair, n, 'was printed twice by one program')
    else if (n < pair.lastShownInRun && !isLate) {
      this.#reordered(pair, n, `was printed after ${pair.lastShownInRun}`)
    } else if (!this.#has(pair, n, shown) && n < pair.lastShown && !isLate) {
      this.#reordered(pair, n, `was first printed after ${pair.lastShown}`)
    }
    pair.shownInRun.add(n)
    pair.lastShownInRun = Math.max(pair.lastShownInRun, n)
    pair.lastShown = Math.max(pair.lastShown, n)
    this.#mark(pair, n, shown)
    this.#participant(p).printed.push({ pair, n })
  }

  #done(participant: Participant): void {
    for (const { pair, n } of participant.printed) this.#mark(pair, n, doneWith)
    participant.printed = []
  }

  #final({ p, peer, mine, n, body, status }: HistoryLine & { t: 'final' }): void {
    const pair = mine ? this.#pair(p, peer) : this.#pair(peer, p)
    const side = mine ? 'mine' : 'theirs'
    const bit = mine ? inSendersChat : inReadersChat
    const whose = `in the chat of ${p}`
    if (this.#has(pair, n, bit) || this.#has(pair, n, unreadable)) {
      this.#duplicated(pair, n, `is twice ${whose}`)
    } else if (n < pair.lastFinal[side]) {
      this.#reordered(pair, n, `stands after ${pair.lastFinal[side]} ${whose}`)
    }
    pair.lastFinal[side] = Math.max(pair.lastFinal[side], n)
    if (body === 'unreadable') {
      this.#counts.undecryptable++
      this.#find(`${nameOf(pair, n)} is unreadable ${whose}`)
      return this.#mark(pair, n, unreadable)
    }
    this.#mark(pair, n, bit)
    if (mine && tickedStatuses.has(status)) this.#mark(pair, n, accepted)
  }

  #duplicated(pair: Pair, n: number, says: string): void {
    this.#counts.duplicated++
    this.#find(`${nameOf(pair, n)} ${says}`)
  }

  #reordered(pair: Pair, n: number, says: string): void {
    this.#counts.reordered++
    this.#find(`${nameOf(pair, n)} ${says}`)
  }

  #find(says: string): void {
    if (this.#findings.length < findingsMax) this.#findings.push(says)
  }

  #has({ messages }: Pair, n: number, bit: number): boolean {
    return ((messages.get(n) ?? 0) & bit) !== 0
  }

  #mark({ messages }: Pair, n: number, bit: number): void {
    messages.set(n, (messages.get(n) ?? 0) | bit)
  }

  #participant(name: string): Participant {
    let participant = this.#participants.get(name)
    if (!participant) {
      participant = { kind: 'raw', ended: false, lastPosition: 0, printed: [] }
      this.#participants.set(name, participant)
    }
    return participant
  }

  #pair(from: string, to: string): Pair {
    const key = `${from} ${to}`
    let pair = this.#pairs.get(key)
    if (!pair) {
      pair = {
        ...{ from, to, messages: new Map(), lastTaken: 0, lastShown: 0 },
        ...{ shownInRun: new Set(), lastShownInRun: 0, lastFinal: { mine: 0, theirs: 0 } },
      }
      this.#pairs.set(key, pair)
    }
    return pair
  }
}

function nameOf({ from, to }: Pair, n: number): string {
  return `${from} → ${to} ${n}`
}

function whatOf(bits: number): string {
  const told = [
    bits & inSendersChat ? 'its sender has it' : '',
    bits & shown ? 'was printed' : 'never printed',
    bits & inReadersChat ? 'is in the chat' : 'not in the chat',
    bits & unreadable ? 'stands there unreadable' : '',
  ]
  return told.filter((each) => each !== '').join(', ')
}

/** What must be 0 for a run to pass. */
export function faultsIn(verdict: Verdict): number {
  const { lost, duplicated, reordered, undecryptable, invented, unaccepted, unended } = verdict
  return lost + duplicated + reordered + undecryptable + invented + unaccepted + unended
}
