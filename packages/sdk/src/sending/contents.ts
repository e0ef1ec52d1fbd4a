/**
 * The content envelope inside a ciphertext: made for a row of the outbox, and compared with the
 * outside when it comes in (E16).
 */
import { pad, unpad } from '@parley/crypto'
import { decodeContent, encodeContent, WireError } from '@parley/wire'
import type {
  Content,
  ContentBody,
  ListReference,
  MessageContent,
  MessageId,
  VerifiedList,
} from '@parley/wire'
import type { Account } from '../store/account.ts'
import { pendingSort } from '../store/messages.ts'

function referenceTo(list: VerifiedList): ListReference {
  return { version: list.list.version, hash: list.hash }
}

export interface Outgoing {
  account: Account
  ownList: VerifiedList
  peerList: VerifiedList
  messageId: MessageId
  stamp: number
  withProfile: boolean
  body: ContentBody
}

export function sealable(outgoing: Outgoing): Uint8Array {
  const { account, ownList, peerList, messageId, stamp, withProfile, body } = outgoing
  const content: Content = {
    sender: account.account,
    senderDevice: account.device,
    conversation: peerList.list.account,
    messageId,
    stamp,
    senderList: referenceTo(ownList),
    recipientList: referenceTo(peerList),
    profile: withProfile ? { name: account.name, phone: account.phone } : undefined,
    body,
  }
  return pad(encodeContent(content))
}

/** The content, if it says inside what the entry says outside. Throws WireError or CryptoError. */
export function contentOf(
  account: Account,
  entry: Omit<MessageContent, 'kind' | 'envelope'>,
  plaintext: Uint8Array,
): Content {
  const content = decodeContent(unpad(plaintext))
  const agrees =
    content.sender === entry.sender &&
    content.senderDevice === entry.senderDevice &&
    content.conversation === account.account &&
    content.messageId === entry.messageId &&
    content.stamp === entry.stamp &&
    content.stamp < pendingSort
  if (!agrees) throw new WireError('the inside and the outside of the message disagree')
  return content
}
