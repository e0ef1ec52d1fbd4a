/**
 * Hop 6, the cryptographic part: an entry's envelope becomes a content, or a reason why it cannot
 * be opened. Nothing is written here; inbox.ts commits what comes of it.
 */
import { CryptoError } from '@parley/crypto'
import type { Content, Envelope, MessageContent } from '@parley/wire'
import { contentOf } from '../sending/contents.ts'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { listedDevice } from '../trust/devices.ts'
import { StoreError } from '../platform/ports.ts'
import type { Ratchets } from '../trust/sessions.ts'
import { readDeviceList } from '../store/device-lists.ts'

/** What an entry says on the outside. */
export type Head = Omit<MessageContent, 'kind' | 'envelope'>

export type Opened =
  | { kind: 'content'; content: Content }
  /** Its key is gone: it was delivered before (E6). */
  | { kind: 'repeat' }
  /** `tried`: with the keys of its sender, who was on the list. */
  | { kind: 'unopened'; tried: boolean }

/**
 * Under the turn of the sender. Throws only what the store throws: whatever bytes come in, the log
 * goes on (E26).
 */
export async function openEnvelope(
  core: Core,
  ratchets: Ratchets,
  head: Head,
  envelope: Pick<Envelope, 'type' | 'ciphertext'>,
): Promise<Opened> {
  const device = listedDevice(readDeviceList(core.store, head.sender), head.senderDevice)
  if (!device) return { kind: 'unopened', tried: false }
  const account = ownAccount(core)
  try {
    const content = await ratchets.open(head.sender, device, envelope, (plaintext) =>
      contentOf(account, head, plaintext),
    )
    return { kind: 'content', content }
  } catch (error) {
    if (error instanceof StoreError) throw error
    const isRepeat = error instanceof CryptoError && error.code === 'duplicate'
    return isRepeat ? { kind: 'repeat' } : { kind: 'unopened', tried: true }
  }
}
