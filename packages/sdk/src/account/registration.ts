/**
 * How a profile gets its account and device: registration with a code, registration anew with or
 * without the recovery key (E1), logging out. Keys are committed before the server hears of them
 * (E23), and a step whose answer was lost is repeated with the same bytes.
 */
import { equalBytes } from '@parley/crypto'
import {
  type AccountId,
  type NumberProven,
  parseAccountId,
  profileNameBytesMax,
  utf8Length,
  type VerifiedList,
  WireError,
} from '@parley/wire'
import type { Api } from '../http/api.ts'
import {
  chainOf,
  listFromJson,
  listJson,
  newDevice,
  pendingKeys,
  rootOf,
  typedRecoveryKey,
  verifiedChain,
} from './new-device.ts'
import { accountOf, type Pending, readPending, writePending } from './pending-device.ts'
import type { Clock, RandomBytes } from '../platform/ports.ts'
import { requireRandom } from '../platform/random.ts'
import { uploadOf } from './prekeys.ts'
import { ApiFailure, parleyError } from '../problems.ts'
import { relinkDevice } from './relink.ts'
import { storedTokens } from '../http/access-tokens.ts'
import { readAccount, writeAccount } from '../store/account.ts'
import { deleteDeviceLists, writeDeviceList } from '../store/device-lists.ts'
import { writePreKeys } from '../store/prekeys.ts'
import type { Store } from '../store/store.ts'
import type { Registered, RegistrationStep } from '../types.ts'

type Proven = Extract<Pending, { kind: 'proven' }>
type Registering = Extract<Pending, { kind: 'registering' }>

export interface RegistrationInput {
  registration: string
  code: string
  name: string
  /** As it was typed; of an account registered before. */
  recoveryKey: string | undefined
}

export interface RegistrationOptions {
  api: Api
  store: Store
  clock: Clock
  random: RandomBytes
  server: string
}

export class Registration {
  readonly #options: RegistrationOptions

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  async start(phone: string): Promise<RegistrationStep> {
    const { api, random, store } = this.#options
    requireRandom(random)
    this.#requireFree(undefined)
    const started = await api.startRegistration(phone.trim())
    const { registration } = started
    store.transaction(() =>
      writePending(store, { kind: 'asked', registration, phone: started.phone }),
    )
    return {
      registration,
      phone: started.phone,
      codeDigits: started.code_digits,
      resendInS: started.resend_in_s,
    }
  }

  /**
   * `reset`: as for relink; called when a revoked device of the same account was here. With the
   * same registration it repeats what was not answered.
   */
  async finish(input: RegistrationInput, reset: () => void): Promise<Registered> {
    requireRandom(this.#options.random)
    const name = checkedName(input.name)
    const recoveryKey = typedRecoveryKey(input.recoveryKey)
    this.#requireFree(undefined)
    const registering = await this.#prepared(input, recoveryKey)
    const { api, clock, store } = this.#options
    let answer: Awaited<ReturnType<typeof api.registerDevice>>
    try {
      answer = await api.registerDevice(input.registration, registering.request)
    } catch (error) {
      if (isFinal(error)) store.transaction(() => writePending(store, undefined))
      throw error
    }
    const { account, device } = registering.keys
    if (answer.account !== account || answer.device !== device) {
      throw new WireError('the server registered another device')
    }
    const tokens = storedTokens(answer.tokens, clock.now())
    this.#commit(registering, { name, tokens, reset })
    return { account, device, recoveryKey: registering.recoveryKey }
  }

  /** Ends the session at the server if it can be reached. The caller erases the store. */
  async logout(): Promise<void> {
    try {
      await this.#options.api.endSession()
    } catch {
      // Whatever stands in the way must not keep a person from leaving; the keys of the session go
      // with the store.
      return
    }
  }

  /**
   * Replaces this device by a new one (new id, number, identity key, prekeys) in a list signed by
   * the old identity key. `reset` is called inside the transaction that puts the new device into
   * the account row: the engine drops sessions and requeues there. Safe to repeat after a crash.
   * Rejects with ParleyError when it cannot be done now, `revoked` when it never can.
   */
  relink(reset: () => void): Promise<void> {
    return relinkDevice(this.#options, reset)
  }

  /**
   * What is to be sent to the server: kept from before its answer was lost, or made from what the
   * code proves.
   */
  async #prepared(input: RegistrationInput, recoveryKey: string | undefined): Promise<Registering> {
    const kept = readPending(this.#options.store)
    if (!kept || kept.kind === 'relinking' || kept.registration !== input.registration) {
      throw parleyError('code-expired')
    }
    if (kept.kind === 'registering') return kept
    const proven = kept.kind === 'proven' ? kept : await this.#prove(kept, input.code)
    return this.#make(proven, recoveryKey)
  }

  /**
   * The server takes a code once, so what it gave for it is kept: a recovery key with a slip in it
   * can be typed again.
   */
  async #prove(asked: Extract<Pending, { kind: 'asked' }>, code: string): Promise<Proven> {
    const { api, store } = this.#options
    const answer = await api.proveNumber(asked.registration, code.trim())
    const proven: Proven = { ...asked, kind: 'proven', proven: answer }
    store.transaction(() => writePending(store, proven))
    return proven
  }

  /** Keys and list of the new device, committed with its private prekeys. */
  #make({ phone, proven, registration }: Proven, recoveryKey: string | undefined): Registering {
    const { clock, random, store } = this.#options
    const account = parseAccountId(proven.account)
    this.#requireFree(account)
    const { root, newKey } = rootOf(recoveryKey, random)
    const known = recoveryKey === undefined ? [] : knownChain(proven, account, root.publicKey)
    const device = newDevice(store, random)
    const { signed, listed } = chainOf({ account, device, before: known.at(-1), root, random })
    const registering: Registering = {
      kind: 'registering',
      registration,
      phone,
      keys: pendingKeys(device, account, listed),
      request: {
        proof: proven.proof,
        device_list: listJson(signed),
        device: device.id,
        prekeys: uploadOf(device.preKeys, device.registrationId),
      },
      chain: [...known.map((list) => list.signed), signed].map(listJson),
      recoveryKey: newKey,
    }
    store.transaction(() => {
      writePreKeys(store, device.preKeys, clock.now())
      writePending(store, registering)
    })
    return registering
  }

  #commit(
    registering: Registering,
    outcome: { name: string; tokens: ReturnType<typeof storedTokens>; reset: () => void },
  ): void {
    const { server, store } = this.#options
    const { chain, keys, phone } = registering
    const lists = verifiedChain(chain.map(listFromJson), undefined)
    store.transaction(() => {
      const before = readAccount(store)
      if (before) outcome.reset()
      deleteDeviceLists(store, keys.account)
      for (const list of lists) writeDeviceList(store, list)
      const profileVersion = (before?.profileVersion ?? 0) + 1
      const row = { server, phone, name: outcome.name, profileVersion }
      writeAccount(store, accountOf(keys, row), outcome.tokens)
      writePending(store, undefined)
    })
  }

  /** A profile is for one account; only its own revoked device may be replaced here. */
  #requireFree(account: AccountId | undefined): void {
    const present = readAccount(this.#options.store)
    if (!present) return
    const isOwn = account === undefined || account === present.account
    if (present.status === 'revoked' && isOwn) return
    const says = `This profile belongs to ${present.phone} already. Log out first, or use another profile.`
    throw parleyError('refused', undefined, says)
  }
}

/**
 * The chain that the recovery key's root has signed. Throws a WireError when the chain does not
 * verify, a ParleyError when its root is another.
 */
function knownChain(proven: NumberProven, account: AccountId, root: Uint8Array): VerifiedList[] {
  const lists = verifiedChain(proven.device_lists.map(listFromJson), undefined)
  const [first] = lists
  if (!first) return []
  if (first.list.account !== account) throw new WireError('the device list is of another account')
  if (equalBytes(first.list.rootKey, root)) return lists
  const says =
    'That recovery key is not the one of this account. Check it, or go on without one: your contacts are told then that your safety number has changed.'
  throw parleyError('refused', undefined, says)
}

function checkedName(name: string): string {
  const trimmed = name.trim()
  if (utf8Length(trimmed) <= profileNameBytesMax) return trimmed
  throw parleyError('refused', undefined, 'That name is too long. Choose a shorter one.')
}

/** The server will not answer this request otherwise later. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ApiFailure)) return false
  return !['unavailable', 'internal', 'too-many-requests', 'storage-full'].includes(error.code)
}
