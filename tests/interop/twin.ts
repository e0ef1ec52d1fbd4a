// One receiving device twice, with the same keys: played by the official library, and by us.

import {
  type Address,
  CryptoError,
  decryptMessage,
  decryptPreKeyMessage,
  type LocalIdentity,
  type NamedPreKeys,
  type PreKeyBundle,
  readPreKeyMessage,
  type SessionRecord,
} from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import { type Oracle, Refused } from './oracle-client.ts'
import { fromBase64, toBase64 } from './oracle-protocol.ts'
import { bundleFromWire, type SealedMessage } from './parties.ts'
import type { Dice } from './random.ts'

/** The plaintext in base64, or how it was refused. */
export type Judgement = { accepted: string } | { refused: string }

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

  async judgeOurs(sealed: SealedMessage): Promise<Judgement> {
    const before = this.#record?.slice()
    try {
      const { record, plaintext } = await this.#open(sealed)
      this.#record = record
      return { accepted: toBase64(plaintext) }
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      const isUntouched = Buffer.compare(before ?? Buffer.of(), this.#record ?? Buffer.of()) === 0
      if (!isUntouched) throw new Error('a refused message changed the record', { cause: error })
      return { refused: error.code }
    }
  }

  async judgeTheirs({ type, ciphertext }: SealedMessage): Promise<Judgement> {
    const { oracle, self, remote } = this.#start
    const message = { type, ciphertext: toBase64(ciphertext) }
    try {
      return { accepted: await oracle.ask({ op: 'decrypt', self, remote, ...message }) }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return { refused: error.message }
    }
  }

  #open({ type, ciphertext }: SealedMessage) {
    const { remote, dice } = this.#start
    const surroundings = { random: dice.bytes, nowMs: 0, curve: bunCurve }
    const context = { local: this.#local, remote, ...surroundings }
    const record = this.#record
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

export interface TwinStart {
  oracle: Oracle
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
