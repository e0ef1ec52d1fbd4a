// Two devices with sessions: one of ours, all of whose state is bytes between two calls, and one
// played by the oracle.

import {
  type Address,
  archiveSession,
  type Curve25519,
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
import { parseRatchetMessage } from '../../packages/crypto/src/messages.ts'
import { decodeSpqrMessage } from '../../packages/crypto/src/spqr-message.ts'
import { fromBase64, toBase64 } from './bytes.ts'
import type { Channel, Party, SealedMessage } from './conversation.ts'
import { type Oracle, Refused } from './oracle-link.ts'
import type { WireBundle } from './oracle-protocol.ts'
import type { Dice } from './random.ts'
import type { SideName } from './schedule.ts'
import { watch } from './state.ts'

/** What our side runs on. */
export interface Platform {
  curve: Curve25519
  random: RandomBytes
}

/** A device that can make a session with one other. */
interface PairParty extends Party {
  publish(withOneTime: boolean): Promise<PreKeyBundle>
  /** Starts a session; one that is there is archived. */
  connect(bundle: PreKeyBundle): Promise<void>
}

export interface PairOptions {
  ours: Address
  theirs: Address
  oneTime: boolean
  oracle: Oracle
  platform: Platform
}

export interface PairChannel extends Channel {
  parties: { ours: OurParty; theirs: OracleParty }
}

export async function pairChannel(options: PairOptions): Promise<PairChannel> {
  const { ours, theirs, oneTime, oracle, platform } = options
  const parties = {
    ours: new OurParty(ours, theirs, platform),
    theirs: await OracleParty.start(theirs, ours, oracle),
  }
  return {
    parties,
    isMutual: true,
    async begin(side: SideName) {
      const [from, to]: [PairParty, PairParty] =
        side === 'ours' ? [parties.ours, parties.theirs] : [parties.theirs, parties.ours]
      await from.connect(await to.publish(oneTime))
    },
  }
}

export class OurParty implements PairParty {
  readonly address: Address
  recordBytesMax = 0
  /** Epochs of the post-quantum ratchet that it has begun to send in. */
  epochs = 0
  readonly #remote: Address
  readonly #platform: Platform
  readonly #local: LocalIdentity
  readonly #signed = new Map<number, SignedPreKey>()
  readonly #kyber = new Map<number, KyberPreKey>()
  readonly #oneTime = new Map<number, OneTimePreKey>()
  readonly #usedKeys = new Set<string>()
  #record: SessionRecord | undefined
  #epoch = 1
  #lastId = 0

  constructor(address: Address, remote: Address, platform: Platform) {
    this.address = address
    this.#remote = remote
    this.#platform = platform
    const identity = generateKeyPair(platform.random)
    this.#local = { address, identity, registrationId: 4711 }
  }

  get identityKey(): Uint8Array {
    return this.#local.identity.publicKey
  }

  get record(): SessionRecord | undefined {
    return this.#record
  }

  async publish(withOneTime: boolean): Promise<PreKeyBundle> {
    const { identity, registrationId } = this.#local
    const { random } = this.#platform
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
    if (sealed.type === 'message') this.#noteEpoch(sealed.ciphertext)
    return sealed
  }

  async decrypt(message: SealedMessage): Promise<Uint8Array> {
    const isChanged = watch(() => this.#state(message))
    try {
      const opened = await this.#open(message)
      this.#useKey(`received ${opened.messageKeyId}`)
      this.#keep(opened.record)
      return opened.plaintext
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      if (isChanged()) throw new Error('a refused message changed our state', { cause: error })
      throw new Refused(`${error.code}: ${error.message}`)
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
    return { local: this.#local, remote: this.#remote, ...this.#platform, nowMs: 0 }
  }

  /** All that a message might change: what is stored, and what the call is given. */
  #state(message: SealedMessage): readonly unknown[] {
    const prekeys = message.type === 'prekey' ? [...this.#oneTime.values()] : []
    return [this.#record, this.#local, prekeys, message]
  }

  #noteEpoch(ciphertext: Uint8Array): void {
    const { epoch } = decodeSpqrMessage(parseRatchetMessage(ciphertext).pqRatchet)
    if (epoch > this.#epoch) this.epochs += epoch - this.#epoch
    this.#epoch = epoch
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

export class OracleParty implements PairParty {
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

  /** One that is there already. */
  static existing(address: Address, remote: Address, oracle: Oracle): OracleParty {
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

  /** As X3DH would have it; old versions do it. */
  async connectWithoutKyber(bundle: PreKeyBundle): Promise<void> {
    const wire = { ...bundleToWire(bundle), kyberPreKey: undefined }
    await this.#oracle.ask({ op: 'connect', ...this.#pair(), bundle: wire })
  }

  async encrypt(plaintext: Uint8Array): Promise<SealedMessage> {
    const request = { op: 'encrypt' as const, ...this.#pair(), plaintext: toBase64(plaintext) }
    const { type, ciphertext } = await this.#oracle.ask(request)
    return { type, ciphertext: fromBase64(ciphertext) }
  }

  async decrypt({ type, ciphertext }: SealedMessage): Promise<Uint8Array> {
    if (type === 'group') throw new Error('this party is in no group')
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
  if (kyberPreKey === undefined) throw new Error('the bundle has no Kyber prekey')
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

/** A UUID and a device number. */
export function newAddress(dice: Dice): Address {
  return { account: newUuid(dice), device: 1 + dice.below(127) }
}

export function newUuid(dice: Dice): string {
  const hex = Array.from(dice.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
