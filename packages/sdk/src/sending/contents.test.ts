import { expect, test } from 'bun:test'
import { generateKeyPair, pad } from '@parley/crypto'
import { encodeContent } from '@parley/wire'
import type { Content } from '@parley/wire'
import { contentOf } from './contents.ts'
import { systemRandom } from '../platform/random.ts'
import type { Account } from '../store/account.ts'
import {
  own,
  peer,
  peerDevice,
  testAccount,
  testDevice,
  testMessageId,
} from '../testing/test-store.ts'

const account: Account = {
  server: '',
  account: own,
  device: testDevice(1),
  deviceNumber: 1,
  phone: '',
  name: '',
  profileVersion: 1,
  identity: generateKeyPair(systemRandom),
  registrationId: 1,
  status: 'registered',
  relinkNeeded: false,
}
const list = { version: 1, hash: new Uint8Array(32) }
const content: Content = {
  sender: peer,
  senderDevice: peerDevice,
  conversation: own,
  messageId: testMessageId(1),
  stamp: 1_000,
  senderList: list,
  recipientList: list,
  profile: undefined,
  body: { kind: 'text', text: 'hello' },
}
const entry = {
  sender: peer,
  senderDevice: peerDevice,
  sequence: 5,
  messageId: testMessageId(1),
  stamp: 1_000,
}
const opened = (change: Partial<Content>) => () =>
  contentOf(account, entry, pad(encodeContent({ ...content, ...change })))

test('[E16] a content that says inside what the entry says outside is taken', () => {
  expect(opened({})().body).toEqual({ kind: 'text', text: 'hello' })
})

test('[E16][Y15] any mismatch between inside and outside is refused', () => {
  expect(opened({ sender: testAccount(8) })).toThrow('disagree')
  expect(opened({ senderDevice: testDevice(8) })).toThrow('disagree')
  expect(opened({ conversation: testAccount(8) })).toThrow('disagree')
  expect(opened({ messageId: testMessageId(8) })).toThrow('disagree')
  expect(opened({ stamp: 1_001 })).toThrow('disagree')
})

test('[E26] bytes that are no content are refused', () => {
  expect(() => contentOf(account, entry, new Uint8Array(80))).toThrow()
  expect(() => contentOf(account, entry, pad(new Uint8Array([1, 2, 3])))).toThrow()
})
