// A conversation that is kept as vectors: what the official library said, and our record as it was
// stored whenever we had said something in between.

import {
  type Address,
  CryptoError,
  createSession,
  type Decrypted,
  decryptMessage,
  decryptPreKeyMessage,
  encryptMessage,
  generateKeyPair,
  generateKyberPreKey,
  generateOneTimePreKey,
  generateSignedPreKey,
  type NamedPreKeys,
  readPreKeyMessage,
  type SessionRecord,
} from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import { parseRatchetMessage } from '../../packages/crypto/src/messages.ts'
import { decodeSpqrMessage } from '../../packages/crypto/src/spqr-message.ts'
import { toBase64 } from './bytes.ts'
import type { SealedMessage } from './conversation.ts'
import type { Oracle } from './oracle-link.ts'
import { OracleParty } from './parties.ts'

export const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
export const utf8 = (text: string) => new TextEncoder().encode(text)
export const OURS: Address = { account: '3d0f6ac2-6f5f-4b7a-9f6e-1d2c3b4a5968', device: 1 }
export const THEIRS: Address = { account: 'b7e4c1d0-52a9-4c3e-8d1f-0a9b8c7d6e5f', device: 2 }
const REGISTRATION_ID = 7
const BURST = 12

export interface Heard extends SealedMessage {
  plaintext: string
}

export class Recording {
  readonly #peer: OracleParty
  readonly #local = {
    address: OURS,
    identity: generateKeyPair(random),
    registrationId: REGISTRATION_ID,
  }
  readonly #prekeys: NamedPreKeys[] = []
  readonly #events: object[] = []
  #record: SessionRecord | undefined
  /** Whether the record is other than what replaying the events so far would give. */
  #hasSpoken = false
  #lastId = 0

  private constructor(peer: OracleParty) {
    this.#peer = peer
  }

  static async start(oracle: Oracle): Promise<Recording> {
    return new Recording(await OracleParty.start(THEIRS, OURS, oracle))
  }

  async theyConnect({ oneTime }: { oneTime: boolean }): Promise<void> {
    const { identity, registrationId } = this.#local
    const signed = generateSignedPreKey({ identity, id: ++this.#lastId, random })
    const kyber = generateKyberPreKey({ identity, id: ++this.#lastId, random })
    const once = oneTime ? generateOneTimePreKey({ id: ++this.#lastId, random }) : undefined
    this.#prekeys.push({ signed, kyber, oneTime: once })
    await this.#peer.connect({
      registrationId,
      identityKey: identity.publicKey,
      signedPreKey: signed,
      kyberPreKey: kyber,
      oneTimePreKey: once,
    })
  }

  async weConnect(): Promise<void> {
    const bundle = await this.#peer.publish(true)
    this.#record = await createSession({ ...this.#context(), bundle, record: this.#record })
    this.#hasSpoken = true
  }

  /** Something of ours that does not arrive yet. */
  async seal(text: string): Promise<SealedMessage> {
    const record = this.#stored()
    const sealed = await encryptMessage({ ...this.#context(), record, plaintext: utf8(text) })
    this.#record = sealed.record
    this.#hasSpoken = true
    return sealed
  }

  async arrives(sealed: SealedMessage): Promise<void> {
    await this.#peer.decrypt(sealed)
  }

  async send(text: string): Promise<void> {
    await this.arrives(await this.seal(text))
  }

  /** Something of theirs that does not arrive yet. */
  async hear(plaintext: string): Promise<Heard> {
    return { ...(await this.#peer.encrypt(utf8(plaintext))), plaintext }
  }

  async opens(message: Heard): Promise<void> {
    this.#noteStored()
    this.#record = (await this.#open(message)).record
    const { type, ciphertext, plaintext } = message
    this.#events.push({ opens: type, ciphertext: toBase64(ciphertext), plaintext })
  }

  async refuses({ type, ciphertext, ...message }: Heard): Promise<void> {
    this.#noteStored()
    const code = await this.#open({ type, ciphertext, ...message }).then(
      () => 'none',
      (error: unknown) => (error instanceof CryptoError ? error.code : String(error)),
    )
    if (code === 'none') throw new Error('what was to be refused was opened')
    this.#events.push({ refuses: type, ciphertext: toBase64(ciphertext), code })
  }

  /** Unrecorded. */
  async talkUntilEpoch(epoch: number): Promise<void> {
    let theirs = 0
    while (theirs < epoch) {
      for (let i = 0; i < BURST; i++) await this.send('')
      for (let i = 0; i < BURST; i++) {
        const message = await this.hear('')
        this.#record = (await this.#open(message)).record
        theirs = decodeSpqrMessage(parseRatchetMessage(message.ciphertext).pqRatchet).epoch
      }
    }
    this.#hasSpoken = true
  }

  transcript() {
    const bytes = (value: unknown) => JSON.parse(JSON.stringify(value, inBase64)) as unknown
    const events = this.#events
    return { local: bytes(this.#local), remote: THEIRS, prekeys: bytes(this.#prekeys), events }
  }

  #noteStored(): void {
    if (this.#hasSpoken) this.#events.push({ stored: toBase64(this.#stored()) })
    this.#hasSpoken = false
  }

  #open({ type, ciphertext }: SealedMessage): Promise<Decrypted> {
    const context = this.#context()
    if (type !== 'prekey') return decryptMessage({ ...context, record: this.#stored(), ciphertext })
    const { signedPreKeyId } = readPreKeyMessage(ciphertext)
    const prekeys = this.#prekeys.find(({ signed }) => signed.id === signedPreKeyId)
    return decryptPreKeyMessage({ ...context, record: this.#record, ciphertext, prekeys })
  }

  #stored(): SessionRecord {
    if (this.#record === undefined) throw new Error('there is no session yet')
    return this.#record
  }

  #context() {
    return { local: this.#local, remote: THEIRS, random, nowMs: 0, curve: bunCurve }
  }
}

function inBase64(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? toBase64(value) : value
}
