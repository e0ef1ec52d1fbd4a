/** A trace in which an Accepted leaves before its sync is told from one in which it waits. */
import { expect, test } from 'bun:test'
import { accountIdFromRandom, encodeServerFrame, inboxOf } from '@parley/wire'
import { judgeCalls, readCalls } from './strace-log.ts'

const log = inboxOf(accountIdFromRandom(new Uint8Array(16).fill(3)))
const idHex = 'c4a0500000000010000000000000002a'
const sends = [{ log, sequence: 42, idHex }]
const wal = new Set([7, 9])

const hexOf = (bytes: Uint8Array) =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
const accepted = encodeServerFrame({ kind: 'accepted', log, upTo: 42 })
const upgraded = hexOf(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
const frame = hexOf(Uint8Array.of(0x82, accepted.length, ...accepted))
const page = hexOf(Buffer.from(`00ff${idHex}00`, 'hex'))

const lines = {
  upgrade: `11 sendto(20, "${upgraded}", 40, MSG_DONTWAIT, NULL, 0) = 40`,
  write: `12 pwrite64(7, "${page}", 19, 4096) = 19`,
  sync: '12 fdatasync(7)                          = 0',
  syncOfOther: '12 fdatasync(8)                          = 0',
  answer: `11 sendto(20, "${frame}", 30, MSG_DONTWAIT, NULL, 0) = 30`,
  syncBegins: '12 fdatasync(7 <unfinished ...>',
  syncEnds: '12 <... fdatasync resumed>)              = 0',
  writeBegins: `12 pwrite64(7, "${page}", 19, 4096 <unfinished ...>`,
  writeEnds: '12 <... pwrite64 resumed>)               = 19',
}
const judge = (...names: (keyof typeof lines)[]) =>
  judgeCalls(readCalls(names.map((name) => lines[name]).join('\n')), sends, wal)

test('an Accepted after the sync of its write is right', () => {
  expect(judge('upgrade', 'write', 'sync', 'answer')).toEqual({
    ...{ messages: 1, accepted_frames: 1, fsyncs: 1, early: 0, untraced: 0 },
  })
  expect(
    judge('upgrade', 'writeBegins', 'writeEnds', 'syncBegins', 'syncEnds', 'answer').early,
  ).toBe(0)
})

for (const [name, trace] of [
  ['without a sync', ['upgrade', 'write', 'answer']],
  ['before the sync', ['upgrade', 'write', 'answer', 'sync']],
  ['during the sync', ['upgrade', 'write', 'syncBegins', 'answer', 'syncEnds']],
  ['after a sync of what was there before', ['upgrade', 'sync', 'write', 'answer']],
  ['after a sync of another file', ['upgrade', 'write', 'syncOfOther', 'answer']],
  ['after a sync that never ended', ['upgrade', 'write', 'syncBegins', 'answer']],
] as const) {
  test(`an Accepted ${name} is early`, () => {
    expect(judge(...trace).early).toBe(1)
  })
}

test('a sync that began during the write does not cover it', () => {
  const begun = `13 fdatasync(9 <unfinished ...>`
  const ended = '13 <... fdatasync resumed>) = 0'
  const trace = [lines.upgrade, lines.writeBegins, begun, lines.writeEnds, ended, lines.answer]
  expect(judgeCalls(readCalls(trace.join('\n')), sends, wal).early).toBe(1)
})

test('a message that the trace does not show is said to be so', () => {
  expect(judge('upgrade', 'sync', 'answer').untraced).toBe(1)
  expect(judge('upgrade', 'write', 'sync').untraced).toBe(1)
})
