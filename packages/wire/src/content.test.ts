/**
 * What is inside a ciphertext comes from another client, and is checked as strictly as what comes
 * from the network.
 */
import { describe, expect, test } from 'bun:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { decodeContent, encodeContent, utf8Length } from './content.ts'
import type { Content, ContentBody } from './content.ts'
import { accountIdOf, deviceIdOf, messageIdOf } from './ids.ts'
import { profileNameBytesMax, resendItemsMax, textBytesMax } from './limits.ts'
import { ContentSchema } from './protobuf.fixture.ts'
import { WireError } from './wire-error.ts'

const bytesOf = (fill: number) => new Uint8Array(16).fill(fill)
const messageId = messageIdOf(bytesOf(4))
const content: Content = {
  sender: accountIdOf(bytesOf(1)),
  senderDevice: deviceIdOf(bytesOf(2)),
  conversation: accountIdOf(bytesOf(3)),
  messageId,
  stamp: 1_790_000_000_000,
  senderList: { version: 3, hash: new Uint8Array(32).fill(5) },
  recipientList: { version: 9, hash: new Uint8Array(32).fill(6) },
  profile: { name: 'Zoë', phone: '+4915112345678' },
  body: { kind: 'text', text: 'مرحبا 👋' },
}

describe('a content', () => {
  test('decodes to what was encoded', () => {
    const bodies: ContentBody[] = [
      content.body,
      { kind: 'text', text: '' },
      { kind: 'resend-request', messageIds: [messageId] },
      { kind: 'resend-refused', messageIds: [] },
    ]
    for (const body of bodies) {
      expect(decodeContent(encodeContent({ ...content, body }))).toEqual({ ...content, body })
    }
    const plain = { ...content, profile: undefined }
    expect(decodeContent(encodeContent(plain))).toEqual(plain)
  })

  test('is read and written as the generated protobuf code does', () => {
    const bodies: ContentBody[] = [
      content.body,
      { kind: 'text', text: '\ufeffwith a mark of byte order' },
      { kind: 'resend-request', messageIds: [messageId, messageIdOf(bytesOf(7))] },
      { kind: 'resend-refused', messageIds: [] },
      { kind: 'unknown' },
    ]
    for (const body of bodies) {
      for (const profile of [content.profile, { name: '', phone: '' }, undefined]) {
        const each = { ...content, profile, body }
        const bytes = encodeContent(each)
        const again = toBinary(ContentSchema, fromBinary(ContentSchema, bytes))
        expect(Buffer.from(bytes).equals(again)).toBe(true)
        expect(decodeContent(again)).toEqual(each)
      }
    }
  })

  test('something that a newer client sent is known as such', () => {
    const unknown: Content = { ...content, body: { kind: 'unknown' } }
    expect(decodeContent(encodeContent(unknown)).body).toEqual({ kind: 'unknown' })
  })

  test('a text of 65,536 bytes is taken, one byte more is not, whatever its characters', () => {
    for (const letter of ['a', 'ü', '👋']) {
      const text = letter.repeat(Math.floor(textBytesMax / utf8Length(letter)))
      const full = text + 'a'.repeat(textBytesMax - utf8Length(text))
      const body = { kind: 'text' as const, text: full }
      expect(decodeContent(encodeContent({ ...content, body })).body).toEqual(body)
      const over = encodeContent({ ...content, body: { kind: 'text', text: `${full}a` } })
      expect(() => decodeContent(over)).toThrow(WireError)
    }
  })

  test('what breaks a bound is refused', () => {
    const many = Array.from({ length: resendItemsMax + 1 }, () => messageId)
    const wrong: Partial<Content>[] = [
      { body: { kind: 'resend-request', messageIds: many } },
      { body: { kind: 'resend-refused', messageIds: many } },
      { profile: { name: 'x'.repeat(profileNameBytesMax + 1), phone: '' } },
      { profile: { name: '', phone: '0151' } },
      { profile: { name: '', phone: '+49 151' } },
    ]
    for (const change of wrong) {
      expect(() => decodeContent(encodeContent({ ...content, ...change }))).toThrow(WireError)
    }
  })

  test('a number that would be rounded, a missing list and bytes that are none are refused', () => {
    const message = fromBinary(ContentSchema, encodeContent(content))
    for (const change of [
      { stamp: 2n ** 60n },
      { senderList: undefined },
      { recipientList: undefined },
      { sender: bytesOf(1).subarray(1) },
    ]) {
      const bytes = toBinary(ContentSchema, create(ContentSchema, { ...message, ...change }))
      expect(() => decodeContent(bytes)).toThrow(WireError)
    }
    expect(() => decodeContent(new Uint8Array([1, 2, 3]))).toThrow(WireError)
  })
})
