// One receiving device twice, with the same keys: played by the official library, and by us.

import {
  type Address,
  CryptoError,
  type Curve25519,
  decryptMessage,
  decryptPreKeyMessage,
  type LocalIdentity,
  type NamedPreKeys,
  type PreKeyBundle,
  readPreKeyMessage,
  type SessionRecord,
} from '@parley/crypto'
import { fromBase64, toBase64 } from './bytes.ts'
import type { SealedMessage } from './conversation.ts'
import { type Oracle, Refused } from './oracle-link.ts'
import { bundleFromWire } from './parties.ts'
import type { Dice } from './random.ts'
import { watch } from './state.ts'
import type { Judgement, Judgements } from './verdicts.ts'

/** Who is said to have written, and to whom, when that is not true. */
export interface Envelope {
  sender?: Address
  receiver?: Address
}

export interface TwinStart {
  oracle: Oracle
  curve: Curve25519
  self: Address
  remote: Address
  oneTime: boolean
  dice: Dice
}

interface TwinKeys {
  bundle: PreKeyBundle
  local: LocalIdentity
  prekeys: NamedPreKeys
}

export class Twin {
  readonly bundle: PreKeyBundle
  readonly #start: TwinStart
  readonly #local: LocalIdentity
  readonly #prekeys: NamedPreKeys
  #record: SessionRecord | undefined

  private constructor(start: TwinStart, keys: TwinKeys) {
    this.#start = start
    this.bundle = keys.bundle
    this.#local = keys.local
    this.#prekeys = keys.prekeys
  }

  static async start(start: TwinStart): Promise<Twin> {
    const { oracle, self, oneTime } = start
    await oracle.ask({ op: 'party', self })
    const wire = await oracle.ask({ op: 'bundle', self, oneTime })
    const secrets = await oracle.ask({ op: 'reveal', self, bundle: wire })
    const bundle = bundleFromWire(wire)
    const identity = {
      publicKey: bundle.identityKey,
      privateKey: fromBase64(secrets.identity),
    }
    const prekeys: NamedPreKeys = {
      signed: { ...bundle.signedPreKey, privateKey: fromBase64(secrets.signed) },
      kyber: { id: bundle.kyberPreKey.id, privateKey: fromBase64(secrets.kyber).slice(1) },
      oneTime: bundle.oneTimePreKey && {
        ...bundle.oneTimePreKey,
        privateKey: fromBase64(secrets.oneTime ?? ''),
      },
    }
    const local = { address: self, identity, registrationId: bundle.registrationId }
    return new Twin(start, { bundle, local, prekeys })
  }

  get hasSession(): boolean {
    return this.#record !== undefined
  }

  async judge(sealed: SealedMessage, envelope: Envelope = {}): Promise<Judgements> {
    const theirs = await this.#judgeTheirs(sealed, envelope)
    return { ours: await this.#judgeOurs(sealed, envelope), theirs }
  }

  async #judgeOurs(sealed: SealedMessage, envelope: Envelope): Promise<Judgement> {
    const isChanged = watch(() => [this.#record, this.#local, this.#prekeys, sealed])
    try {
      const { record, plaintext } = await this.#open(sealed, envelope)
      this.#record = record
      return { accepted: toBase64(plaintext) }
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      if (isChanged()) throw new Error('a refused message left a trace', { cause: error })
      return { refused: error.code }
    }
  }

  async #judgeTheirs(
    { type, ciphertext }: SealedMessage,
    { sender, receiver }: Envelope,
  ): Promise<Judgement> {
    const { oracle, self, remote } = this.#start
    if (type === 'group') throw new Error('this device is in no group')
    const addresses = { self, remote: sender ?? remote, as: receiver ?? self }
    const message = { type, ciphertext: toBase64(ciphertext) }
    try {
      return { accepted: await oracle.ask({ op: 'decrypt', ...addresses, ...message }) }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return { refused: error.message }
    }
  }

  /** The record is looked up by its sender, so one that is said to be another has none. */
  #open({ type, ciphertext }: SealedMessage, { sender, receiver }: Envelope) {
    const { remote, dice, curve } = this.#start
    const surroundings = { random: dice.bytes, nowMs: 0, curve }
    const local = { ...this.#local, address: receiver ?? this.#local.address }
    const context = { local, remote: sender ?? remote, ...surroundings }
    const record = sender ? undefined : this.#record
    if (type === 'prekey') {
      const named = readPreKeyMessage(ciphertext)
      const oneTime = named.oneTimePreKeyId === undefined ? undefined : this.#prekeys.oneTime
      const prekeys = { ...this.#prekeys, oneTime }
      return decryptPreKeyMessage({ ...context, record, ciphertext, prekeys })
    }
    if (record === undefined) throw new CryptoError('no-session', 'no message came before')
    return decryptMessage({ ...context, record, ciphertext })
  }
}
