/** What a client does about a close code or a refusal follows from its number alone. */
import { expect, test } from 'bun:test'
import { closeAction, closeReasons } from './close-codes.ts'
import { rejectReasonOf, rejectReasons } from './errors.ts'
import type { RejectReason } from './errors.ts'
import { RejectCode } from './protobuf.fixture.ts'

test('every close code has one reason, and its range says whether to reconnect', () => {
  const reasons = Object.values(closeReasons)
  expect(new Set(reasons.map(({ code }) => code)).size).toBe(reasons.length)
  for (const { code, action } of reasons) {
    expect(closeAction(code)).toBe(action)
    const comesAgain = action === 'reconnect' || action === 'reauthenticate'
    expect(comesAgain).toBe(code < 4500)
  }
})

test('an unknown code, and a connection that was lost, mean what their range says', () => {
  for (const code of [1000, 1006, 1011, 4099, 4499]) expect(closeAction(code)).toBe('reconnect')
  for (const code of [4599, 4999]) expect(closeAction(code)).toBe('stop')
})

test('every refusal goes to its number and back; an unknown one is for good', () => {
  for (const reason of Object.keys(rejectReasons) as RejectReason[]) {
    const { code } = rejectReasons[reason]
    expect(rejectReasonOf(code)).toBe(reason)
    expect(RejectCode[code]).toBe(reason.toUpperCase().replaceAll('-', '_'))
  }
  expect(rejectReasons[rejectReasonOf(999)].action).toBe('fail')
})
