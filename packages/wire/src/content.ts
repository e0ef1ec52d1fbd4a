/**
 * What is inside a ciphertext, as typed values. Only clients use it; the server package may not.
 */
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { AccountId, DeviceId, MessageId } from './ids.ts'
import { profileNameBytesMax, resendItemsMax, textBytesMax } from './limits.ts'
import { parsed, required } from './parse.ts'
import { WireError } from './wire-error.ts'

export interface ListReference {
  version: number
  hash: Uint8Array
}
export interface Profile {
  name: string
  /** E.164; a claim until a lookup confirms it. */
  phone: string
}
export type ContentBody =
  | { kind: 'text'; text: string }
  | { kind: 'resend-request'; messageIds: MessageId[] }
  | { kind: 'resend-refused'; messageIds: MessageId[] }
  /** Something that a newer client sent. */
  | { kind: 'unknown' }

export interface Content {
  sender: AccountId
  senderDevice: DeviceId
  /** In a 1:1 chat the recipient. */
  conversation: AccountId
  messageId: MessageId
  stamp: number
  senderList: ListReference
  recipientList: ListReference
  profile: Profile | undefined
  body: ContentBody
}

/** In Content. */
const field = { senderList: 6, recipientList: 7, profile: 8 } as const
const bodyField = { text: 16, 'resend-request': 17, 'resend-refused': 18 } as const
const noBytes = new Uint8Array()
const encoder = new TextEncoder()
const writer = new ByteWriter()

export function utf8Length(text: string): number {
  return encoder.encode(text).length
}

export function encodeContent(content: Content): Uint8Array {
  writer.begin()
  writeBody(content.body)
  if (content.profile) writeProfile(content.profile)
  writeReference(field.recipientList, content.recipientList)
  writeReference(field.senderList, content.senderList)
  writer.uint(5, content.stamp)
  writer.id(4, content.messageId)
  writer.account(3, content.conversation)
  writer.id(2, content.senderDevice)
  writer.account(1, content.sender)
  return writer.finish()
}

function writeBody(body: ContentBody): void {
  if (body.kind === 'unknown') return
  const mark = writer.mark()
  if (body.kind === 'text') writer.text(1, body.text)
  else for (const id of body.messageIds.toReversed()) writer.id(1, id)
  writer.nested(bodyField[body.kind], mark)
}

function writeProfile({ name, phone }: Profile): void {
  const mark = writer.mark()
  writer.text(2, phone)
  writer.text(1, name)
  writer.nested(field.profile, mark)
}

function writeReference(at: number, { version, hash }: ListReference): void {
  const mark = writer.mark()
  writer.view(2, hash)
  writer.uint(1, version)
  writer.nested(at, mark)
}

/** Throws a WireError when the bytes are not a content or break a bound. */
export function decodeContent(bytes: Uint8Array): Content {
  return parsed('the content', () => readContent(new ByteReader(bytes)))
}

function readContent(reader: ByteReader): Content {
  let sender: AccountId | undefined
  let senderDevice: DeviceId | undefined
  let conversation: AccountId | undefined
  let messageId: MessageId | undefined
  let stamp = 0
  let senderList: ListReference | undefined
  let recipientList: ListReference | undefined
  let profile: Profile | undefined
  let body: ContentBody = { kind: 'unknown' }
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        sender = reader.account()
        break
      case 2:
        senderDevice = reader.device()
        break
      case 3:
        conversation = reader.account()
        break
      case 4:
        messageId = reader.message()
        break
      case 5:
        stamp = reader.uint()
        break
      case field.senderList:
        senderList = readReference(reader.nested())
        break
      case field.recipientList:
        recipientList = readReference(reader.nested())
        break
      case field.profile:
        profile = readProfile(reader.nested())
        break
      case bodyField.text:
        body = readText(reader.nested())
        break
      case bodyField['resend-request']:
        body = { kind: 'resend-request', messageIds: readIds(reader.nested()) }
        break
      case bodyField['resend-refused']:
        body = { kind: 'resend-refused', messageIds: readIds(reader.nested()) }
        break
      default:
        reader.skip()
    }
  }
  return {
    sender: required(sender, 'the sender'),
    senderDevice: required(senderDevice, 'the sending device'),
    conversation: required(conversation, 'the conversation'),
    messageId: required(messageId, 'the message id'),
    stamp,
    senderList: required(senderList, "the sender's device list"),
    recipientList: required(recipientList, "the recipient's device list"),
    profile,
    body,
  }
}

function readReference(reader: ByteReader): ListReference {
  let version = 0
  let hash: Uint8Array = noBytes
  while (reader.next()) {
    if (reader.field === 1) version = reader.uint()
    else if (reader.field === 2) hash = reader.view()
    else reader.skip()
  }
  return { version, hash }
}

function readProfile(reader: ByteReader): Profile {
  let name = ''
  let phone = ''
  while (reader.next()) {
    if (reader.field === 1) name = reader.text()
    else if (reader.field === 2) phone = reader.text()
    else reader.skip()
  }
  if (utf8Length(name) > profileNameBytesMax) throw new WireError('the name is too long')
  if (!/^(\+[1-9][0-9]{4,14})?$/.test(phone)) throw new WireError('not a phone number')
  return { name, phone }
}

function readText(reader: ByteReader): ContentBody {
  let text = ''
  while (reader.next()) {
    if (reader.field === 1) text = reader.text()
    else reader.skip()
  }
  if (utf8Length(text) > textBytesMax) throw new WireError('the text is too long')
  return { kind: 'text', text }
}

function readIds(reader: ByteReader): MessageId[] {
  const ids: MessageId[] = []
  while (reader.next()) {
    if (reader.field !== 1) reader.skip()
    else if (ids.push(reader.message()) > resendItemsMax) {
      throw new WireError('too many message ids')
    }
  }
  return ids
}
