// Two members of a group with sender keys: one of ours, one played by the oracle. What goes over
// pairwise sessions in earnest, the distribution, is handed over here without loss.

import {
  type Address,
  CryptoError,
  acceptSenderKey,
  createSenderKey,
  decryptGroupMessage,
  encryptGroupMessage,
  type SenderKeyRecord,
  senderKeyDistribution,
} from '@parley/crypto'
import { fromBase64, toBase64 } from './bytes.ts'
import { type Channel, type Party, refuses, type SealedMessage } from './conversation.ts'
import { type Oracle, Refused } from './oracle-link.ts'
import type { Platform } from './parties.ts'
import type { SideName } from './schedule.ts'
import { watch } from './state.ts'

/** A member of one group that hears one other. */
interface GroupParty extends Party {
  /** A new sender key, in place of the one before. */
  rotate(): Promise<void>
  distribution(): Promise<Uint8Array>
  accept(distribution: Uint8Array): Promise<void>
}

export interface OracleGroupOptions {
  ours: Address
  theirs: Address
  distributionId: string
  oracle: Oracle
}

export interface GroupOptions extends OracleGroupOptions {
  platform: Platform
}

export interface GroupChannel extends Channel {
  parties: { ours: OurGroupParty; theirs: OracleGroupParty }
}

export async function groupChannel(options: GroupOptions): Promise<GroupChannel> {
  const parties = {
    ours: new OurGroupParty(options),
    theirs: await OracleGroupParty.start(options),
  }
  return {
    parties,
    isMutual: false,
    async begin(side: SideName, early: number) {
      const [from, to]: [GroupParty, GroupParty] =
        side === 'ours' ? [parties.ours, parties.theirs] : [parties.theirs, parties.ours]
      await from.rotate()
      const unreadable: SealedMessage[] = []
      for (let i = 0; i < early; i++) unreadable.push(await from.encrypt(new Uint8Array(i)))
      const distribution = await from.distribution()
      for (const message of unreadable.slice(1)) await mustRefuse(to, message)
      await to.accept(distribution)
      for (const message of unreadable) await mustRefuse(to, message)
    },
  }
}

/** It was sealed before the member came to know the key. */
async function mustRefuse(party: GroupParty, message: SealedMessage): Promise<void> {
  if (!(await refuses(party, message))) throw new Error('a message from before the key opened')
}

export class OurGroupParty implements GroupParty {
  readonly #options: GroupOptions
  readonly #usedKeys = new Set<string>()
  #own: SenderKeyRecord | undefined
  #theirs: SenderKeyRecord | undefined

  constructor(options: GroupOptions) {
    this.#options = options
  }

  async rotate(): Promise<void> {
    const { distributionId, platform } = this.#options
    this.#own = createSenderKey({ distributionId, random: platform.random })
  }

  async distribution(): Promise<Uint8Array> {
    return senderKeyDistribution(this.#ownRecord())
  }

  async accept(distribution: Uint8Array): Promise<void> {
    this.#theirs = acceptSenderKey({ record: this.#theirs, distribution })
  }

  async encrypt(plaintext: Uint8Array): Promise<SealedMessage> {
    const { curve } = this.#options.platform
    const sealed = await encryptGroupMessage({ record: this.#ownRecord(), plaintext, curve })
    this.#useKey(`sent ${sealed.messageKeyId}`)
    this.#own = sealed.record
    return { type: 'group', ciphertext: sealed.ciphertext }
  }

  async decrypt({ ciphertext }: SealedMessage): Promise<Uint8Array> {
    const { curve } = this.#options.platform
    const record = this.#theirs
    if (record === undefined) throw new Refused('no sender key')
    const isChanged = watch(() => [this.#theirs, this.#own, record, ciphertext])
    try {
      const opened = await decryptGroupMessage({ record, ciphertext, curve })
      this.#useKey(`received ${opened.messageKeyId}`)
      this.#theirs = opened.record
      return opened.plaintext
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      if (isChanged()) throw new Error('a refused message changed our state', { cause: error })
      throw new Refused(`${error.code}: ${error.message}`)
    }
  }

  async restart(): Promise<void> {
    this.#own = this.#own?.slice()
    this.#theirs = this.#theirs?.slice()
  }

  #ownRecord(): SenderKeyRecord {
    if (this.#own === undefined) throw new Error('there is no sender key yet')
    return this.#own
  }

  #useKey(name: string): void {
    if (this.#usedKeys.has(name)) throw new Error(`a message key was used twice: ${name}`)
    this.#usedKeys.add(name)
  }
}

export class OracleGroupParty implements GroupParty {
  readonly #options: OracleGroupOptions

  private constructor(options: OracleGroupOptions) {
    this.#options = options
  }

  static async start(options: OracleGroupOptions): Promise<OracleGroupParty> {
    await options.oracle.ask({ op: 'party', self: options.theirs })
    return new OracleGroupParty(options)
  }

  async rotate(): Promise<void> {
    const { oracle, theirs: self, distributionId } = this.#options
    await oracle.ask({ op: 'group-begin', self, distributionId })
  }

  async distribution(): Promise<Uint8Array> {
    const { oracle, theirs: self, distributionId } = this.#options
    return fromBase64(await oracle.ask({ op: 'group-distribution', self, distributionId }))
  }

  async accept(bytes: Uint8Array): Promise<void> {
    const { oracle, theirs: self, ours: sender } = this.#options
    await oracle.ask({ op: 'group-accept', self, sender, distribution: toBase64(bytes) })
  }

  async encrypt(bytes: Uint8Array): Promise<SealedMessage> {
    const { oracle, theirs: self, distributionId } = this.#options
    const plaintext = toBase64(bytes)
    const sealed = await oracle.ask({ op: 'group-encrypt', self, distributionId, plaintext })
    return { type: 'group', ciphertext: fromBase64(sealed) }
  }

  async decrypt({ ciphertext: bytes }: SealedMessage): Promise<Uint8Array> {
    const { oracle, theirs: self, ours: sender } = this.#options
    const ciphertext = toBase64(bytes)
    return fromBase64(await oracle.ask({ op: 'group-decrypt', self, sender, ciphertext }))
  }

  async restart(): Promise<void> {
    await this.#options.oracle.ask({ op: 'restart', self: this.#options.theirs })
  }
}
