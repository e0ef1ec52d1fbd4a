/** A client that goes beyond its bounds is found; what it goes up to them with is not. */
import { expect, test } from 'bun:test'
import { inboxOf, unacceptedSendsMax } from '@parley/wire'
import type { AccountId, ClientFrame, MessageId } from '@parley/wire'
import { SendWindow } from './client-bounds.ts'

const log = inboxOf('00000000-0000-4000-8000-000000000001' as AccountId)
const mebibyte = 1024 * 1024

const send = (sequence: number): ClientFrame => ({
  kind: 'send',
  log,
  sequence,
  messageId: '0'.repeat(32) as MessageId,
  stamp: 1,
  deviceList: new Uint8Array(32),
  envelopes: [],
})

function findings(window: SendWindow, sequences: readonly number[], frameBytes: number) {
  return sequences.map((sequence) => window.toServer(send(sequence), frameBytes, 0))
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

test('[I9][Y7] one send more than may be on its way is found', () => {
  const window = new SendWindow()
  const found = findings(window, upTo(unacceptedSendsMax + 1), 100)
  expect(found.slice(0, -1).every((finding) => finding === undefined)).toBe(true)
  expect(found.at(-1)).toBe(`${unacceptedSendsMax + 1} sends are on their way`)
})

test('[I9][Y7] what was answered, and what an earlier connection sent, counts no more', () => {
  const window = new SendWindow()
  findings(window, upTo(unacceptedSendsMax), 100)
  window.fromServer({ kind: 'accepted', log, upTo: unacceptedSendsMax - 1 })
  const rest = upTo(2 * unacceptedSendsMax - 1).slice(unacceptedSendsMax)
  expect(findings(window, rest, 100).filter(Boolean)).toEqual([])
  window.toServer({ kind: 'hello', token: '', cursors: [], capabilities: [] }, 10, 0)
  expect(findings(window, upTo(unacceptedSendsMax), 100).filter(Boolean)).toEqual([])
})

test('[I9][Y7] bytes on their way and in the socket are bounded, up to one frame', () => {
  const window = new SendWindow()
  expect(findings(window, upTo(5), mebibyte).filter(Boolean)).toEqual([])
  expect(findings(window, [6], mebibyte)).toEqual([`${6 * mebibyte} bytes are on their way`])
  const ping: ClientFrame = { kind: 'ping' }
  expect(window.toServer(ping, 2, 4 * mebibyte)).toBeUndefined()
  expect(window.toServer(ping, 2, 5 * mebibyte)).toBe(`${5 * mebibyte} bytes wait in its socket`)
})
