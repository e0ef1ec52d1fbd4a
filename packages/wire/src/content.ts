/**
 * What is inside a ciphertext, as typed values. Only clients use it; the server package may not.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { ContentSchema } from './protobuf.ts'
import type * as pb from './protobuf.ts'
import {
  accountIdBytes,
  accountIdOf,
  deviceIdBytes,
  deviceIdOf,
  messageIdBytes,
  messageIdOf,
} from './ids.ts'
import type { AccountId, DeviceId, MessageId } from './ids.ts'
import { profileNameBytesMax, resendItemsMax, textBytesMax } from './limits.ts'
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

const encoder = new TextEncoder()

export function utf8Length(text: string): number {
  return encoder.encode(text).length
}

export function encodeContent(content: Content): Uint8Array {
  const { profile } = content
  const message = create(ContentSchema, {
    sender: accountIdBytes(content.sender),
    senderDevice: deviceIdBytes(content.senderDevice),
    conversation: accountIdBytes(content.conversation),
    messageId: messageIdBytes(content.messageId),
    stamp: BigInt(content.stamp),
    senderList: referenceInit(content.senderList),
    recipientList: referenceInit(content.recipientList),
    ...(profile && { profile }),
    body: bodyInit(content.body),
  })
  return toBinary(ContentSchema, message)
}

function referenceInit(reference: ListReference) {
  return { version: BigInt(reference.version), hash: reference.hash }
}

function bodyInit(body: ContentBody): MessageInitShape<typeof ContentSchema>['body'] {
  switch (body.kind) {
    case 'text':
      return { case: 'text' as const, value: { text: body.text } }
    case 'resend-request':
      return { case: 'resendRequest' as const, value: idsInit(body.messageIds) }
    case 'resend-refused':
      return { case: 'resendRefused' as const, value: idsInit(body.messageIds) }
    case 'unknown':
      return { case: undefined, value: undefined }
  }
}

function idsInit(messageIds: MessageId[]) {
  return { messageIds: messageIds.map(messageIdBytes) }
}

/** Throws a WireError when the bytes are not a content or break a bound. */
export function decodeContent(bytes: Uint8Array): Content {
  let message: pb.Content
  try {
    message = fromBinary(ContentSchema, bytes)
  } catch {
    throw new WireError('the content cannot be decoded')
  }
  return {
    sender: accountIdOf(message.sender),
    senderDevice: deviceIdOf(message.senderDevice),
    conversation: accountIdOf(message.conversation),
    messageId: messageIdOf(message.messageId),
    stamp: safeNumber(message.stamp),
    senderList: referenceOf(message.senderList),
    recipientList: referenceOf(message.recipientList),
    profile: profileOf(message.profile),
    body: bodyOf(message.body),
  }
}

/**
 * A number from another client: one that JavaScript cannot hold exactly is refused, never rounded.
 */
function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError('a number is out of range')
  return Number(value)
}

function referenceOf(reference: pb.ListReference | undefined): ListReference {
  if (!reference) throw new WireError('the content names no device list')
  return { version: safeNumber(reference.version), hash: reference.hash }
}

function profileOf(profile: pb.Profile | undefined): Profile | undefined {
  if (!profile) return undefined
  if (utf8Length(profile.name) > profileNameBytesMax) throw new WireError('the name is too long')
  if (!/^(\+[1-9][0-9]{4,14})?$/.test(profile.phone)) throw new WireError('not a phone number')
  return { name: profile.name, phone: profile.phone }
}

function bodyOf(body: pb.Content['body']): ContentBody {
  switch (body.case) {
    case 'text':
      if (utf8Length(body.value.text) > textBytesMax) throw new WireError('the text is too long')
      return { kind: 'text', text: body.value.text }
    case 'resendRequest':
      return { kind: 'resend-request', messageIds: idsOf(body.value.messageIds) }
    case 'resendRefused':
      return { kind: 'resend-refused', messageIds: idsOf(body.value.messageIds) }
    case undefined:
      return { kind: 'unknown' }
  }
}

function idsOf(messageIds: Uint8Array[]): MessageId[] {
  if (messageIds.length > resendItemsMax) throw new WireError('too many message ids')
  return messageIds.map(messageIdOf)
}
