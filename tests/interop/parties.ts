// The two sides of a conversation behind one interface: a device of ours, all of whose state is
// bytes between two calls, and a device played by the oracle.

import {
  type Address,
  archiveSession,
  CryptoError,
  createSession,
  decryptMessage,
  decryptPreKeyMessage,
  encryptMessage,
  generateKeyPair,
  generateKyberPreKey,
  generateOneTimePreKey,
  generateSignedPreKey,
  type KyberPreKey,
  type LocalIdentity,
  type NamedPreKeys,
  type OneTimePreKey,
  type PreKeyBundle,
  type RandomBytes,
  readPreKeyMessage,
  type SessionRecord,
  type SignedPreKey,
} from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import { type Oracle, Refused } from './oracle-client.ts'
import { fromBase64, toBase64, type WireBundle } from './oracle-protocol.ts'

export interface SealedMessage {
  type: 'prekey' | 'message'
  ciphertext: Uint8Array
}

/** One device that talks to one other. What it refuses, it refuses with `Refused`. */
export interface Party {
  readonly address: Address
  publish(withOneTime: boolean): Promise<PreKeyBundle>
  /** Starts a session; one that is there is archived. */
  connect(bundle: PreKeyBundle): Promise<void>
  encrypt(plaintext: Uint8Array): Promise<SealedMessage>
  decrypt(message: SealedMessage): Promise<Uint8Array>
  restart(): Promise<void>
}

export class OurParty implements Party {
  readonly address: Address
  recordBytesMax = 0
  readonly #remote: Address
  readonly #random: RandomBytes
  readonly #local: LocalIdentity
  readonly #signed = new Map<number, SignedPreKey>()
  readonly #kyber = new Map<number, KyberPreKey>()
  readonly #oneTime = new Map<number, OneTimePreKey>()
  readonly #usedKeys = new Set<string>()
  #record: SessionRecord | undefined
  #lastId = 0

  constructor(address: Address, remote: Address, random: RandomBytes) {
    this.address = address
    this.#remote = remote
    this.#random = random
    this.#local = { address, identity: generateKeyPair(random), registrationId: 4711 }
  }

  async publish(withOneTime: boolean): Promise<PreKeyBundle> {
    const { identity, registrationId } = this.#local
    const random = this.#random
    const signedPreKey = generateSignedPreKey({ identity, id: ++this.#lastId, random })
    const kyberPreKey = generateKyberPreKey({ identity, id: ++this.#lastId, random })
    this.#signed.set(signedPreKey.id, signedPreKey)
    this.#kyber.set(kyberPreKey.id, kyberPreKey)
    const oneTimePreKey = withOneTime
      ? generateOneTimePreKey({ id: ++this.#lastId, random })
      : undefined
    if (oneTimePreKey) this.#oneTime.set(oneTimePreKey.id, oneTimePreKey)
    const identityKey = identity.publicKey
    return { registrationId, identityKey, signedPreKey, kyberPreKey, oneTimePreKey }
  }

  async connect(bundle: PreKeyBundle): Promise<void> {
    const archived = this.#record && archiveSession(this.#record)
    this.#keep(await createSession({ ...this.#context(), bundle, record: archived }))
  }

  async encrypt(plaintext: Uint8Array): Promise<SealedMessage> {
    const record = this.#record
    if (record === undefined) throw new Error('there is no session to send with')
    const sealed = await encryptMessage({ ...this.#context(), record, plaintext })
    this.#useKey(`sent ${sealed.messageKeyId}`)
    this.#keep(sealed.record)
    return sealed
  }

  async decrypt(message: SealedMessage): Promise<Uint8Array> {
    try {
      const opened = await this.#open(message)
      this.#useKey(`received ${opened.messageKeyId}`)
      this.#keep(opened.record)
      return opened.plaintext
    } catch (error) {
      if (error instanceof CryptoError) throw new Refused(`${error.code}: ${error.message}`)
      throw error
    }
  }

  /** Nothing outlives a call but bytes; new copies show that no view of old ones is needed. */
  async restart(): Promise<void> {
    this.#record = this.#record?.slice()
  }

  async #open({ type, ciphertext }: SealedMessage) {
    const record = this.#record
    if (type === 'prekey') {
      const prekeys = this.#prekeysFor(ciphertext)
      const opened = await decryptPreKeyMessage({
        ...this.#context(),
        record,
        ciphertext,
        prekeys,
      })
      if (opened.usedPreKeys && prekeys?.oneTime) this.#oneTime.delete(prekeys.oneTime.id)
      return opened
    }
    if (record === undefined) throw new CryptoError('no-session', 'no message came before')
    return decryptMessage({ ...this.#context(), record, ciphertext })
  }

  #prekeysFor(ciphertext: Uint8Array): NamedPreKeys | undefined {
    const { signedPreKeyId, kyberPreKeyId, oneTimePreKeyId } = readPreKeyMessage(ciphertext)
    const signed = this.#signed.get(signedPreKeyId)
    const kyber = this.#kyber.get(kyberPreKeyId)
    const oneTime = this.#oneTime.get(oneTimePreKeyId ?? 0)
    const isGone = oneTimePreKeyId !== undefined && oneTime === undefined
    return signed && kyber && !isGone ? { signed, kyber, oneTime } : undefined
  }

  #context() {
    const parties = { local: this.#local, remote: this.#remote }
    return { ...parties, random: this.#random, nowMs: 0, curve: bunCurve }
  }

  #useKey(name: string): void {
    if (this.#usedKeys.has(name)) throw new Error(`a message key was used twice: ${name}`)
    this.#usedKeys.add(name)
  }

  #keep(record: SessionRecord): void {
    this.#record = record
    this.recordBytesMax = Math.max(this.recordBytesMax, record.length)
  }
}

export class OracleParty implements Party {
  readonly address: Address
  readonly #remote: Address
  readonly #oracle: Oracle

  private constructor(address: Address, remote: Address, oracle: Oracle) {
    this.address = address
    this.#remote = remote
    this.#oracle = oracle
  }

  static async start(address: Address, remote: Address, oracle: Oracle): Promise<OracleParty> {
    await oracle.ask({ op: 'party', self: address })
    return new OracleParty(address, remote, oracle)
  }

  async publish(withOneTime: boolean): Promise<PreKeyBundle> {
    const bundle = await this.#oracle.ask({
      op: 'bundle',
      self: this.address,
      oneTime: withOneTime,
    })
    return bundleFromWire(bundle)
  }

  async connect(bundle: PreKeyBundle): Promise<void> {
    const wire = bundleToWire(bundle)
    await this.#oracle.ask({ op: 'connect', ...this.#pair(), bundle: wire })
  }

  async encrypt(plaintext: Uint8Array): Promise<SealedMessage> {
    const request = { op: 'encrypt' as const, ...this.#pair(), plaintext: toBase64(plaintext) }
    const { type, ciphertext } = await this.#oracle.ask(request)
    return { type, ciphertext: fromBase64(ciphertext) }
  }

  async decrypt({ type, ciphertext }: SealedMessage): Promise<Uint8Array> {
    const message = { type, ciphertext: toBase64(ciphertext) }
    return fromBase64(await this.#oracle.ask({ op: 'decrypt', ...this.#pair(), ...message }))
  }

  async restart(): Promise<void> {
    await this.#oracle.ask({ op: 'restart', self: this.address })
  }

  #pair() {
    return { self: this.address, remote: this.#remote }
  }
}

export function bundleFromWire(wire: WireBundle): PreKeyBundle {
  const { signedPreKey, kyberPreKey, oneTimePreKey } = wire
  return {
    registrationId: wire.registrationId,
    identityKey: fromBase64(wire.identityKey),
    signedPreKey: signedFromWire(signedPreKey),
    kyberPreKey: signedFromWire(kyberPreKey),
    oneTimePreKey: oneTimePreKey && {
      id: oneTimePreKey.id,
      publicKey: fromBase64(oneTimePreKey.publicKey),
    },
  }
}

function signedFromWire({ id, publicKey, signature }: WireBundle['signedPreKey']) {
  return { id, publicKey: fromBase64(publicKey), signature: fromBase64(signature) }
}

function bundleToWire(bundle: PreKeyBundle): WireBundle {
  const { signedPreKey, kyberPreKey, oneTimePreKey } = bundle
  return {
    registrationId: bundle.registrationId,
    identityKey: toBase64(bundle.identityKey),
    signedPreKey: signedToWire(signedPreKey),
    kyberPreKey: signedToWire(kyberPreKey),
    oneTimePreKey: oneTimePreKey && {
      id: oneTimePreKey.id,
      publicKey: toBase64(oneTimePreKey.publicKey),
    },
  }
}

function signedToWire({ id, publicKey, signature }: PreKeyBundle['signedPreKey']) {
  return { id, publicKey: toBase64(publicKey), signature: toBase64(signature) }
}
