// A member of a group twice, played by the official library and by us, and a hostile sender whose
// signing key is known here: so a spoilt message can come with a signature that is right.

import {
  type Address,
  CryptoError,
  type Curve25519,
  generateKeyPair,
  sign,
  acceptSenderKey,
  createSenderKey,
  decryptGroupMessage,
  encryptGroupMessage,
  type SenderKeyRecord,
  senderKeyDistribution,
} from '@parley/crypto'
import { toBase64 } from './bytes.ts'
import { concatBytes } from '../../packages/crypto/src/bytes.ts'
import { DISTRIBUTION, GROUP_MESSAGE, readMessage, rewrite } from './fields.ts'
import { type Oracle, Refused } from './oracle-link.ts'
import type { Dice } from './random.ts'
import { watch } from './state.ts'
import type { Judgement, Judgements } from './verdicts.ts'

const SIGNING_KEY_FIELD = 5

export class HostileSender {
  readonly #dice: Dice
  readonly #curve: Curve25519
  readonly #signing
  #record: SenderKeyRecord

  constructor({ distributionId, dice, curve }: SenderStart) {
    this.#dice = dice
    this.#curve = curve
    this.#signing = generateKeyPair(dice.bytes)
    this.#record = createSenderKey({ distributionId, random: dice.bytes })
  }

  distribution(): Uint8Array {
    const genuine = senderKeyDistribution(this.#record)
    const fields = readMessage(genuine, DISTRIBUTION).map((field) =>
      field.number === SIGNING_KEY_FIELD ? { ...field, value: this.#signing.publicKey } : field,
    )
    return rewrite(genuine, DISTRIBUTION, fields)
  }

  async message(plaintext: Uint8Array): Promise<Uint8Array> {
    const record = this.#record
    const sealed = await encryptGroupMessage({ record, plaintext, curve: this.#curve })
    this.#record = sealed.record
    return this.signed(sealed.ciphertext)
  }

  /** With a right signature in place of the one it has. */
  signed(message: Uint8Array): Uint8Array {
    const body = message.slice(0, -GROUP_MESSAGE.trailerBytes)
    return concatBytes(body, sign(this.#signing.privateKey, body, this.#dice.bytes))
  }
}

export interface SenderStart {
  distributionId: string
  dice: Dice
  curve: Curve25519
}

export interface GroupTwinStart {
  oracle: Oracle
  curve: Curve25519
  self: Address
  sender: Address
}

export class GroupTwin {
  readonly #start: GroupTwinStart
  #record: SenderKeyRecord | undefined

  private constructor(start: GroupTwinStart) {
    this.#start = start
  }

  static async start(start: GroupTwinStart): Promise<GroupTwin> {
    await start.oracle.ask({ op: 'party', self: start.self })
    return new GroupTwin(start)
  }

  async judgeDistribution(distribution: Uint8Array): Promise<Judgements> {
    const { oracle, self, sender } = this.#start
    const theirs = await judgedByOracle(async () => {
      const text = toBase64(distribution)
      await oracle.ask({ op: 'group-accept', self, sender, distribution: text })
      return ''
    })
    const ours = await this.#judgedByUs(distribution, async () => {
      this.#record = acceptSenderKey({ record: this.#record, distribution })
      return ''
    })
    return { ours, theirs }
  }

  /** `sender`: who is said to have sent it, when that is not true. */
  async judgeMessage(ciphertext: Uint8Array, sender?: Address): Promise<Judgements> {
    const { oracle, self, curve } = this.#start
    const from = sender ?? this.#start.sender
    const text = toBase64(ciphertext)
    const theirs = await judgedByOracle(() =>
      oracle.ask({ op: 'group-decrypt', self, sender: from, ciphertext: text }),
    )
    const ours = await this.#judgedByUs(ciphertext, async () => {
      const record = sender ? undefined : this.#record
      if (record === undefined) throw new CryptoError('no-session', 'no sender key')
      const opened = await decryptGroupMessage({ record, ciphertext, curve })
      this.#record = opened.record
      return toBase64(opened.plaintext)
    })
    return { ours, theirs }
  }

  async #judgedByUs(given: Uint8Array, call: () => Promise<string>): Promise<Judgement> {
    const isChanged = watch(() => [this.#record, given])
    try {
      return { accepted: await call() }
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      if (isChanged()) throw new Error('a refused message left a trace', { cause: error })
      return { refused: error.code }
    }
  }
}

async function judgedByOracle(call: () => Promise<string>): Promise<Judgement> {
  try {
    return { accepted: await call() }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { refused: error.message }
  }
}
