// For tests: a device that sends to a group and one that receives from it, and what a member who
// holds all secrets of the group can make of them.

import { concatBytes, utf8 } from './bytes.ts'
import { bunCurve } from './curve.bun.ts'
import { advance } from './ratchet.ts'
import { type GroupMessage, encodeUnsigned, parseGroupMessage } from './sender-key-messages.ts'
import {
  decodeSenderKeyRecord,
  encodeSenderKeyRecord,
  type MemberRecord,
  type OwnChain,
  type OwnRecord,
} from './sender-key-record.ts'
import {
  acceptSenderKey,
  createSenderKey,
  decryptGroupMessage,
  encryptGroupMessage,
  type SenderKeyRecord,
  senderKeyDistribution,
} from './sender-keys.ts'
import { repeatableRandom } from './two-devices.fixture.ts'

export const GROUP = '5b1d7a52-0a3f-4f6e-9c2b-7d8e9f0a1b2c'
export const OTHER_GROUP = '5b1d7a52-0a3f-4f6e-9c2b-7d8e9f0a1b2d'

export interface SentToGroup {
  text: string
  ciphertext: Uint8Array
  messageKeyId: string
}

export class GroupSender {
  readonly group: string
  readonly random
  record: SenderKeyRecord

  constructor(seed: string, group = GROUP) {
    this.group = group
    this.random = repeatableRandom(`sender key ${seed}`)
    this.record = createSenderKey({ distributionId: group, random: this.random })
  }

  rotate(): void {
    this.record = createSenderKey({ distributionId: this.group, random: this.random })
  }

  distribution(): Uint8Array {
    return senderKeyDistribution(this.record)
  }

  async send(text: string, curve = bunCurve): Promise<SentToGroup> {
    const plaintext = utf8(text)
    const sealed = await encryptGroupMessage({ record: this.record, plaintext, curve })
    this.record = sealed.record
    const { ciphertext, messageKeyId } = sealed
    return { text, ciphertext, messageKeyId }
  }

  async sendMany(count: number): Promise<SentToGroup[]> {
    const sent: SentToGroup[] = []
    for (let at = 0; at < count; at++) sent.push(await this.send(`message ${at}`))
    return sent
  }

  own(): OwnRecord {
    const decoded = decodeSenderKeyRecord(this.record)
    if (decoded.kind !== 'own') throw new Error('the record is not an own one')
    return decoded
  }

  /** The chain goes on with what is given. */
  change(chain: Partial<OwnChain>): void {
    const own = this.own()
    this.record = encodeSenderKeyRecord({ ...own, chain: { ...own.chain, ...chain } })
  }

  /** Sends this many that nobody will ever see. */
  skip(count: number): void {
    const chain = { ...this.own().chain, skipped: new Uint8Array(0) }
    this.change(advance(chain, chain.index + count - 1).chain)
  }

  /** A message of ours with other fields, truly signed. */
  async forge(ciphertext: Uint8Array, fields: Partial<GroupMessage>): Promise<Uint8Array> {
    const { distributionId, chainId, iteration, ciphertext: inner } = parseGroupMessage(ciphertext)
    const message = { distributionId, chainId, iteration, ciphertext: inner, ...fields }
    return this.signed(encodeUnsigned(message))
  }

  async signed(unsigned: Uint8Array): Promise<Uint8Array> {
    const { seed, signBit } = this.own().chain
    const signature = await bunCurve.sign(seed, unsigned)
    signature[63] = (signature[63] ?? 0) | signBit
    return concatBytes(unsigned, signature)
  }
}

export class GroupReceiver {
  record: SenderKeyRecord | undefined

  constructor(...distributions: readonly Uint8Array[]) {
    for (const distribution of distributions) this.accept(distribution)
  }

  accept(distribution: Uint8Array): void {
    this.record = acceptSenderKey({ record: this.record, distribution })
  }

  async receive(ciphertext: Uint8Array, curve = bunCurve): Promise<string> {
    const record = this.record ?? new Uint8Array(0)
    const opened = await decryptGroupMessage({ record, ciphertext, curve })
    this.record = opened.record
    return new TextDecoder().decode(opened.plaintext)
  }

  known(): MemberRecord {
    const decoded = decodeSenderKeyRecord(this.record ?? new Uint8Array(0))
    if (decoded.kind !== 'member') throw new Error('the record is an own one')
    return decoded
  }
}
