/**
 * The checker fails on every kind of history that it must fail on, and passes on those that only
 * look odd: what a kill leaves behind, what waited for its sender.
 */
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Checker, faultsIn } from './checker.ts'
import type { Verdict } from './checker.ts'
import type { HistoryLine } from './history.ts'

type Faults = Pick<
  Verdict,
  'lost' | 'duplicated' | 'reordered' | 'undecryptable' | 'invented' | 'unaccepted' | 'unended'
>

function verdictOf(lines: readonly HistoryLine[]): Verdict {
  const checker = new Checker()
  for (const line of lines) checker.take(line)
  return checker.verdict()
}

const none: Faults = {
  lost: 0,
  duplicated: 0,
  reordered: 0,
  undecryptable: 0,
  invented: 0,
  unaccepted: 0,
  unended: 0,
}

const send = (n: number): HistoryLine => ({ t: 'send', p: 'a', to: 'b', n })
const kept = (n: number): HistoryLine => ({ t: 'kept', p: 'a', to: 'b', n })
const accept = (n: number): HistoryLine => ({ t: 'accept', p: 'a', to: 'b', n })
const take = (n: number, at: number): HistoryLine => ({ t: 'take', p: 'b', from: 'a', n, at })
const show = (n: number): HistoryLine => ({ t: 'show', p: 'b', from: 'a', n })
const wait = (n: number): HistoryLine => ({ t: 'wait', p: 'b', from: 'a', n })
const done: HistoryLine = { t: 'done', p: 'b' }
const mine = (n: number, status = 'delivered'): HistoryLine => {
  return { t: 'final', p: 'a', peer: 'b', mine: true, n, body: 'text', status }
}
const theirs = (n: number, body: 'text' | 'unreadable' = 'text'): HistoryLine => {
  return { t: 'final', p: 'b', peer: 'a', mine: false, n, body, status: '' }
}
const open = (p: string, kind: 'raw' | 'sdk', run = 1): HistoryLine => ({ t: 'open', p, kind, run })
const ends: HistoryLine[] = [
  { t: 'end', p: 'a' },
  { t: 'end', p: 'b' },
]

/** Three messages from a to b. */
const rawSender = [open('a', 'raw'), send(1), send(2), send(3), accept(1), accept(2), accept(3)]
const rawReader = [open('b', 'raw'), take(1, 10), take(2, 11), take(3, 15)]
const sdkSender = [
  open('a', 'sdk'),
  ...[1, 2, 3].flatMap((n) => [send(n), kept(n)]),
  ...[1, 2, 3].map((n) => accept(n)),
]
const sdkReader = [open('b', 'sdk'), show(1), show(2), done, show(3), done]
const sdkChats = [...[1, 2, 3].map((n) => mine(n)), ...[1, 2, 3].map((n) => theirs(n))]
const raw = [...rawSender, ...rawReader, ...ends]
const sdk = [...sdkSender, ...sdkReader, ...sdkChats, ...ends]

const without = (lines: HistoryLine[], ...gone: HistoryLine[]) => {
  const texts = new Set(gone.map((line) => JSON.stringify(line)))
  return lines.filter((line) => !texts.has(JSON.stringify(line)))
}
const instead = (lines: HistoryLine[], from: HistoryLine[], to: HistoryLine[]) => {
  const text = JSON.stringify(from).slice(1, -1)
  const whole = JSON.stringify(lines)
  if (!whole.includes(text)) throw new Error('nothing to replace')
  return JSON.parse(whole.replace(text, JSON.stringify(to).slice(1, -1))) as HistoryLine[]
}

test('a clean history between raw participants passes', () => {
  expect(verdictOf(raw)).toMatchObject({
    ...none,
    sent: 3,
    accepted: 3,
    delivered: 3,
    displayed: 0,
  })
})

test('a clean history between SDK clients passes', () => {
  expect(verdictOf(sdk)).toMatchObject({
    ...none,
    sent: 3,
    accepted: 3,
    delivered: 3,
    displayed: 3,
  })
})

const passes: Record<string, HistoryLine[]> = {
  'a send that a kill cut off before it was kept': instead(sdk, [kept(3)], [kept(3), send(4)]),
  'a send that was kept although the kill came before the client could say so': without(
    sdk,
    kept(3),
  ),
  'printed again after a kill, since it was not done with': instead(
    sdk,
    [show(3), done],
    [show(3), open('b', 'sdk', 2), show(3), done],
  ),
  'printed late, since it waited for its sender': instead(
    sdk,
    [show(1), show(2)],
    [wait(1), show(2), show(1)],
  ),
  'a tick that only the final chat shows': without(sdk, accept(2)),
  'holes in the numbers': [
    open('a', 'raw'),
    ...[send(3), send(70), accept(3), accept(70), open('b', 'raw'), take(3, 1), take(70, 2)],
    ...ends,
  ],
}

for (const [name, lines] of Object.entries(passes)) {
  test(`passes: ${name}`, () => expect(verdictOf(lines)).toMatchObject(none))
}

const fails: Record<string, { lines: HistoryLine[]; as: Partial<Faults> }> = {
  'an accepted message that was never taken': {
    lines: without(raw, take(2, 11)),
    as: { lost: 1 },
  },
  'the last accepted message that was never taken': {
    lines: without(raw, take(3, 15)),
    as: { lost: 1 },
  },
  'everything lost': { lines: [...rawSender, open('b', 'raw'), ...ends], as: { lost: 3 } },
  'an accepted message that is not in the final chat': {
    lines: without(sdk, theirs(2)),
    as: { lost: 1 },
  },
  'a message in the final chat that was never printed': {
    lines: without(sdk, show(2)),
    as: { lost: 1 },
  },
  'a kept message that is gone from its sender': {
    lines: without(sdk, mine(2)),
    as: { lost: 1 },
  },
  'a kept message that nobody ever saw again': {
    lines: [...instead(sdk, [kept(3)], [kept(3), send(4), kept(4)])],
    as: { lost: 1, unaccepted: 1 },
  },
  'an entry taken twice at one position': {
    lines: instead(raw, [take(2, 11)], [take(2, 11), take(2, 11)]),
    as: { duplicated: 1 },
  },
  'an entry taken twice at two positions': {
    lines: [...rawSender, ...rawReader, take(2, 20), ...ends],
    as: { duplicated: 1 },
  },
  'printed twice by one program': {
    lines: instead(sdk, [show(2), done], [show(2), show(2), done]),
    as: { duplicated: 1 },
  },
  'printed again after a kill although it was done with': {
    lines: [...sdk, open('b', 'sdk', 2), show(1), ...ends],
    as: { duplicated: 1 },
  },
  'twice in the final chat of its reader': {
    lines: [...sdk, theirs(3)],
    as: { duplicated: 1 },
  },
  'twice in the final chat of its sender': { lines: [...sdk, mine(3)], as: { duplicated: 1 } },
  'text and placeholder of one message': {
    lines: [...sdk, theirs(3, 'unreadable')],
    as: { duplicated: 1, undecryptable: 1 },
  },
  'taken in another order': {
    lines: instead(raw, [take(1, 10), take(2, 11)], [take(2, 10), take(1, 11)]),
    as: { reordered: 1 },
  },
  'taken at a position that was passed': {
    lines: instead(raw, [take(3, 15)], [take(3, 9)]),
    as: { reordered: 1 },
  },
  'printed in another order': {
    lines: instead(sdk, [show(1), show(2)], [show(2), show(1)]),
    as: { reordered: 1 },
  },
  'first printed in another order over a kill': {
    lines: instead(sdk, [show(1), show(2)], [show(2), open('b', 'sdk', 2), show(1)]),
    as: { reordered: 1 },
  },
  'in another order in the final chat': {
    lines: instead(sdk, [theirs(1), theirs(2)], [theirs(2), theirs(1)]),
    as: { reordered: 1 },
  },
  'in another order in the final chat of the sender': {
    lines: instead(sdk, [mine(2), mine(3)], [mine(3), mine(2)]),
    as: { reordered: 1 },
  },
  'a placeholder that is left': {
    lines: instead(sdk, [theirs(2)], [theirs(2, 'unreadable')]),
    as: { undecryptable: 1, lost: 1 },
  },
  'an entry that nobody wrote': {
    lines: instead(raw, [take(3, 15)], [take(3, 15), take(4, 16)]),
    as: { invented: 1 },
  },
  'a message printed that nobody wrote': {
    lines: instead(sdk, [show(3)], [show(3), show(4)]),
    as: { invented: 1 },
  },
  'an item of the final chat that nobody wrote': {
    lines: [...sdk, theirs(4)],
    as: { invented: 1 },
  },
  'bytes of another message': {
    lines: [...raw, { t: 'odd', p: 'b', says: 'the body is that of another message' }],
    as: { invented: 1 },
  },
  'an accepted message that nobody wrote': { lines: [...raw, accept(9)], as: { invented: 1 } },
  'a raw message that was never accepted': {
    lines: without(raw, accept(2)),
    as: { unaccepted: 1 },
  },
  'an SDK message without its tick': {
    lines: instead(without(sdk, accept(2)), [mine(2)], [mine(2, 'pending')]),
    as: { unaccepted: 1 },
  },
  'a participant that breaks off': {
    lines: without(sdk, ends[1] as HistoryLine),
    as: { unended: 1 },
  },
  'a participant that never said its end after it came back': {
    lines: [...sdk, open('b', 'sdk', 2)],
    as: { unended: 1 },
  },
}

for (const [name, { lines, as }] of Object.entries(fails)) {
  test(`fails: ${name}`, () => {
    const verdict = verdictOf(lines)
    expect(verdict).toMatchObject({ ...none, ...as })
    expect(faultsIn(verdict)).toBeGreaterThan(0)
    expect(verdict.findings.length).toBeGreaterThan(0)
  })
}

/** People who write to each other in any interleaving, each reader taking in the log's order. */
const cleanRuns = fc
  .record({
    kind: fc.constantFrom('raw' as const, 'sdk' as const),
    writes: fc.array(fc.record({ from: fc.nat(3), to: fc.nat(3), hole: fc.nat(2) }), {
      minLength: 2,
      maxLength: 60,
    }),
    reopenings: fc.array(fc.nat(59), { maxLength: 3 }),
  })
  .map(({ kind, writes, reopenings }) => cleanHistory(kind, writes, new Set(reopenings)))

interface Message {
  from: string
  to: string
  n: number
  at: number
}

function cleanHistory(
  kind: 'raw' | 'sdk',
  writes: readonly { from: number; to: number; hole: number }[],
  reopenings: ReadonlySet<number>,
) {
  const numbers = new Map<string, number>()
  const messages: Message[] = writes.map(({ from, to, hole }, index) => {
    const n = (numbers.get(`${from} ${to}`) ?? 0) + 1 + hole
    numbers.set(`${from} ${to}`, n)
    return { from: `p${from}`, to: `q${to}`, n, at: index + 1 }
  })
  const names = new Set(messages.flatMap(({ from, to }) => [from, to]))
  const lines: HistoryLine[] = [...names].map((p) => ({ t: 'open', p, kind, run: 1 }))
  for (const { from, to, n } of messages) {
    lines.push({ t: 'send', p: from, to, n })
    if (kind === 'sdk') lines.push({ t: 'kept', p: from, to, n })
    lines.push({ t: 'accept', p: from, to, n })
  }
  for (const [index, { from, to, n, at }] of messages.entries()) {
    if (kind === 'raw') lines.push({ t: 'take', p: to, from, n, at })
    else {
      lines.push({ t: 'show', p: to, from, n })
      if (reopenings.has(index)) {
        lines.push({ t: 'open', p: to, kind, run: 2 }, { t: 'show', p: to, from, n })
      }
      lines.push({ t: 'done', p: to })
    }
  }
  if (kind === 'sdk') lines.push(...messages.flatMap(finalLines))
  lines.push(...[...names].map((p): HistoryLine => ({ t: 'end', p })))
  return { kind, messages, lines }
}

function finalLines({ from, to, n }: Message): HistoryLine[] {
  const item = { t: 'final', n, body: 'text' } as const
  return [
    { ...item, p: from, peer: to, mine: true, status: 'delivered' },
    { ...item, p: to, peer: from, mine: false, status: '' },
  ]
}

const isHolding = (line: HistoryLine) =>
  line.t === 'take' || line.t === 'show' || (line.t === 'final' && !line.mine)
const isOf = (line: HistoryLine, { from, to, n }: Message) => {
  if (line.t === 'take' || line.t === 'show') {
    return line.p === to && line.from === from && line.n === n
  }
  return line.t === 'final' && !line.mine && line.p === to && line.peer === from && line.n === n
}

const property = (check: (run: ReturnType<typeof cleanHistory>, choice: number) => void) =>
  fc.assert(fc.property(cleanRuns, fc.nat(), check), { seed: 20260801, numRuns: 300 })

test('every clean history passes, whatever its interleaving and its kills', () => {
  property(({ lines, messages }) => {
    expect(verdictOf(lines)).toMatchObject({ ...none, sent: messages.length })
  })
})

test('dropping any one message from its reader is a loss of one', () => {
  property(({ lines, messages }, choice) => {
    const gone = messages[choice % messages.length] as Message
    const verdict = verdictOf(lines.filter((line) => !isOf(line, gone)))
    expect(verdict).toMatchObject({ ...none, lost: 1 })
  })
})

test('doubling any line by which a reader has a message is found', () => {
  property(({ lines }, choice) => {
    const places = lines.flatMap((line, index) => (isHolding(line) ? [index] : []))
    const place = places[choice % places.length] as number
    const line = lines[place] as HistoryLine
    const verdict = verdictOf(lines.toSpliced(place, 0, line))
    expect(verdict).toMatchObject({ ...none, duplicated: 1 })
  })
})

test('swapping any two of one sender at one reader is found', () => {
  property(({ lines, kind }, choice) => {
    const reads = lines.flatMap((line, index) => {
      return line.t === (kind === 'raw' ? 'take' : 'final') && isHolding(line) ? [index] : []
    })
    const keyOf = (index: number) => JSON.stringify({ ...lines[index], n: 0, at: 0 })
    const pairs = reads.flatMap((first, at) => {
      const second = reads.slice(at + 1).find((other) => keyOf(other) === keyOf(first))
      return second === undefined ? [] : [{ first, second }]
    })
    const pair = pairs[choice % Math.max(pairs.length, 1)]
    if (!pair) return
    const swapped = lines
      .with(pair.first, {
        ...lines[pair.first],
        n: (lines[pair.second] as Message & HistoryLine).n,
      } as HistoryLine)
      .with(pair.second, {
        ...lines[pair.second],
        n: (lines[pair.first] as Message & HistoryLine).n,
      } as HistoryLine)
    expect(verdictOf(swapped).reordered).toBe(1)
  })
})

test('a message with a number that nobody wrote is found wherever it comes', () => {
  property(({ lines, kind }, choice) => {
    const places = lines.flatMap((line, index) => (isHolding(line) ? [index] : []))
    const place = places[choice % places.length] as number
    const line = { ...lines[place], n: 100_000 } as HistoryLine
    const verdict = verdictOf([...lines.slice(0, place + 1), line, ...lines.slice(place + 1)])
    expect(verdict.invented).toBe(1)
    expect(kind === 'raw' || faultsIn(verdict) > 0).toBe(true)
  })
})
