/**
 * The ratchets with remote devices in use: begun from bundles whose identity key is the verified
 * list's (E10), stepped in memory by a `Ratchets` and written with what was made of them in one
 * transaction.
 */
import {
  createSession,
  CryptoError,
  decryptMessage,
  decryptPreKeyMessage,
  encryptMessage,
  equalBytes,
  hasUsableSession,
  readPreKeyMessage,
} from '@parley/crypto'
import type { PreKeyBundle, PreKeyMessageHeader, SessionRecord } from '@parley/crypto'
import { fromBase64, WireError } from '@parley/wire'
import type {
  AccountId,
  BundleJson,
  Envelope,
  ListedDevice,
  SignedPublicPreKey,
  VerifiedList,
} from '@parley/wire'
import { localIdentity, ownAccount, surroundings } from '../core.ts'
import type { Core } from '../core.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { readNamedPreKeys, wasBaseKeyUsed, writePreKeysUsed } from '../store/prekeys.ts'
import { readSession, StaleSession, writeSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import { listedDevice } from './devices.ts'

interface Stepped {
  account: AccountId
  device: ListedDevice
  record: SessionRecord
  basedOn: number
  renewedAtMs: number
}

/**
 * States that were stepped and not written yet. Made anew for each piece of work, under the turn of
 * the people concerned.
 */
export class Ratchets {
  readonly #core: Core
  readonly #stepped = new Map<string, Stepped>()
  readonly #used: PreKeyMessageHeader[] = []
  readonly #messageKeyIds: string[] = []

  constructor(core: Core) {
    this.#core = core
  }

  /** Whether prekeys were used up. */
  get usedPreKeys(): boolean {
    return this.#used.length > 0
  }

  async seal(account: AccountId, device: ListedDevice, plaintext: Uint8Array): Promise<Envelope> {
    const current = this.#current(account, device)
    if (!current) throw new CryptoError('no-session', 'there is no session with this device')
    const sealed = await encryptMessage({
      ...this.#parties(account, device),
      ...surroundings(this.#core),
      record: current.record,
      plaintext,
    })
    this.#messageKeyIds.push(sealed.messageKeyId)
    this.#step(account, device, { ...current, record: sealed.record })
    return { device: device.id, type: sealed.type, ciphertext: sealed.ciphertext }
  }

  /**
   * Throws CryptoError and has stepped nothing when it cannot be opened. `keep` is asked before the
   * step counts.
   */
  async open<T>(
    account: AccountId,
    device: ListedDevice,
    envelope: Pick<Envelope, 'type' | 'ciphertext'>,
    keep: (plaintext: Uint8Array) => T,
  ): Promise<T> {
    const current = this.#current(account, device)
    if (envelope.type === 'prekey') return this.#openFirst(account, device, envelope, keep)
    if (!current) throw new CryptoError('no-session', 'there is no session with this device')
    const opened = await decryptMessage({
      ...this.#parties(account, device),
      ...surroundings(this.#core),
      record: current.record,
      ciphertext: envelope.ciphertext,
    })
    const kept = keep(opened.plaintext)
    this.#step(account, device, { ...current, record: opened.record })
    return kept
  }

  async #openFirst<T>(
    account: AccountId,
    device: ListedDevice,
    envelope: Pick<Envelope, 'ciphertext'>,
    keep: (plaintext: Uint8Array) => T,
  ): Promise<T> {
    const { store } = this.#core
    const current = this.#current(account, device)
    const header = readPreKeyMessage(envelope.ciphertext)
    if (!equalBytes(header.identityKey, device.identityKey)) {
      throw new CryptoError('untrusted-identity', 'the identity key is not the listed one')
    }
    // E8: without the prekeys it opens only when its session is still there.
    const prekeys = wasBaseKeyUsed(store, header) ? undefined : readNamedPreKeys(store, header)
    const opened = await decryptPreKeyMessage({
      ...this.#parties(account, device),
      ...surroundings(this.#core),
      record: current?.record,
      ciphertext: envelope.ciphertext,
      prekeys,
    })
    const kept = keep(opened.plaintext)
    const before = current ?? { basedOn: 0, renewedAtMs: 0 }
    this.#step(account, device, { ...before, record: opened.record })
    if (opened.usedPreKeys) this.#used.push(header)
    return kept
  }

  /**
   * Inside the transaction of what was sealed or opened. Throws StaleSession when somebody else was
   * faster, or a device is not listed any more with the key that this was made for.
   */
  write(): void {
    const { store } = this.#core
    for (const { account, device, ...change } of this.#stepped.values()) {
      requireListed(store, account, device)
      writeSession(store, { account, device: device.id, ...change })
    }
    for (const header of this.#used) writePreKeysUsed(store, header)
  }

  /**
   * After the commit: only then the ciphertexts can leave. What was rolled back has never been seen
   * by anybody.
   */
  committed(): void {
    for (const id of this.#messageKeyIds) this.#core.observeMessageKey(id)
  }

  #current(account: AccountId, device: ListedDevice) {
    const stepped = this.#stepped.get(keyOf(account, device))
    if (stepped) return stepped
    const stored = readSession(this.#core.store, { account, device: device.id })
    return (
      stored && {
        record: stored.record,
        basedOn: stored.version,
        renewedAtMs: stored.renewedAtMs,
      }
    )
  }

  #step(
    account: AccountId,
    device: ListedDevice,
    next: Pick<Stepped, 'record' | 'basedOn' | 'renewedAtMs'>,
  ): void {
    const { record, basedOn, renewedAtMs } = next
    this.#stepped.set(keyOf(account, device), { account, device, record, basedOn, renewedAtMs })
  }

  #parties(account: AccountId, device: ListedDevice) {
    return {
      local: localIdentity(ownAccount(this.#core)),
      remote: { account, device: device.number },
    }
  }
}

function keyOf(account: AccountId, device: ListedDevice): string {
  return `${account}/${device.id}`
}

/**
 * E10: sessions go when their device does, so none may come later that was made before: it would
 * be with a key that nobody lists, and be taken for one with the key that is listed.
 */
function requireListed(store: Store, account: AccountId, device: ListedDevice): void {
  const listed = listedDevice(readDeviceList(store, account), device.id)
  if (listed && equalBytes(listed.identityKey, device.identityKey)) return
  throw new StaleSession('the device is not listed with this key any more')
}

/** Devices of the list with which nothing can be sealed yet. */
export function devicesWithoutSession(core: Core, list: VerifiedList): ListedDevice[] {
  const { account, devices } = list.list
  return devices.filter((device) => {
    const stored = readSession(core.store, { account, device: device.id })
    return !stored || !isUsable(core, stored.record)
  })
}

function isUsable(core: Core, record: SessionRecord): boolean {
  try {
    return hasUsableSession(record, core.clock.now())
  } catch {
    return false
  }
}

export interface Beginning {
  list: VerifiedList
  devices: readonly ListedDevice[]
  /** Begin even where there is a session: it has to be mended. */
  renew: boolean
}

/**
 * Takes bundles, one for each device, and begins sessions; a device whose bundle is missing stays
 * without. Not under a turn: it waits for the network. Rejects with StaleSession when the devices
 * changed meanwhile.
 */
export async function beginSessions(core: Core, beginning: Beginning): Promise<void> {
  const { list, devices, renew } = beginning
  if (devices.length === 0) return
  const { account } = list.list
  const ids = devices.map((device) => device.id)
  const bundles = await core.api.bundles(account, ids)
  await core.turns.take(account, async () => {
    for (const device of devices) {
      const json = bundles.find((each) => each.device === device.id)
      if (json) await beginSession(core, account, { device, bundle: bundleOf(json, device), renew })
    }
  })
}

async function beginSession(
  core: Core,
  account: AccountId,
  { device, bundle, renew }: { device: ListedDevice; bundle: PreKeyBundle; renew: boolean },
): Promise<void> {
  const { store } = core
  const stored = readSession(store, { account, device: device.id })
  const readable = stored && canRead(stored.record) ? stored.record : undefined
  // Their first message may have come while the bundle was under way.
  if (!renew && readable && isUsable(core, readable)) return
  const record = await createSession({
    local: localIdentity(ownAccount(core)),
    remote: { account, device: device.number },
    bundle,
    record: readable,
    ...surroundings(core),
  })
  store.transaction(() => {
    requireListed(store, account, device)
    writeSession(store, {
      account,
      device: device.id,
      record,
      basedOn: stored?.version ?? 0,
      renewedAtMs: renew ? core.clock.now() : (stored?.renewedAtMs ?? 0),
    })
  })
}

function canRead(record: SessionRecord): boolean {
  try {
    hasUsableSession(record, 0)
    return true
  } catch {
    return false
  }
}

/** Throws WireError for bytes that are not base64. */
function bundleOf(json: BundleJson, device: ListedDevice): PreKeyBundle {
  const { one_time_prekey: oneTime } = json
  return {
    registrationId: json.registration_id,
    identityKey: device.identityKey,
    signedPreKey: signedOf(json.signed_prekey),
    kyberPreKey: signedOf(json.kyber_prekey),
    oneTimePreKey: oneTime && { id: oneTime.id, publicKey: bytesOf(oneTime.public_key) },
  }
}

function signedOf(json: SignedPublicPreKey) {
  return {
    id: json.id,
    publicKey: bytesOf(json.public_key),
    signature: bytesOf(json.signature),
  }
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64(text)
  if (!bytes) throw new WireError('not base64')
  return bytes
}
