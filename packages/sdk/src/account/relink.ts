/**
 * Puts a new device in the place of this one: after a roll-back, the old one's ratchets and send
 * sequences may have been used already by what was lost, so it never sends again (design: "Send
 * sequence").
 */
import { equalBytes } from '@parley/crypto'
import { type SignedListJson, type Tokens, type VerifiedList, WireError } from '@parley/wire'
import { signedRequest, storedTokens } from '../http/access-tokens.ts'
import type { RegistrationOptions } from './registration.ts'
import {
  listFromJson,
  listJson,
  newDevice,
  pendingKeys,
  replacingList,
  verifiedChain,
} from './new-device.ts'
import { accountOf, identityOf, type Pending, readPending, writePending } from './pending-device.ts'
import { requireRandom } from '../platform/random.ts'
import { uploadOf } from './prekeys.ts'
import { ApiFailure, asParleyError, parleyError } from '../problems.ts'
import { type Account, readAccount, writeAccount } from '../store/account.ts'
import { readDeviceList, writeDeviceList } from '../store/device-lists.ts'
import { writePreKeys } from '../store/prekeys.ts'

type Relinking = Extract<Pending, { kind: 'relinking' }>

/** Somebody else changes the list in between at most this often. */
const triesMax = 3
/** Each answer carries many lists. */
const listAnswersMax = 64

/** Throws ParleyError `revoked` when the device cannot come back. */
export async function relinkDevice(options: RegistrationOptions, reset: () => void): Promise<void> {
  requireRandom(options.random)
  for (let tries = 0; tries < triesMax; tries++) {
    if (await isRelinked(options, reset)) return
    options.store.transaction(() => writePending(options.store, undefined))
  }
  throw parleyError('refused')
}

async function isRelinked(options: RegistrationOptions, reset: () => void): Promise<boolean> {
  try {
    const account = presentAccount(options)
    const relinking = keptRelinking(options, account) ?? (await prepare(options, account))
    const tokens = await exchanged(options, relinking)
    if (tokens) commit(options, relinking, tokens, reset)
    return tokens !== undefined
  } catch (error) {
    throw asParleyError(error)
  }
}

function presentAccount({ store }: RegistrationOptions): Account {
  const account = readAccount(store)
  if (!account) throw parleyError('not-registered')
  if (account.status === 'revoked') throw parleyError('revoked')
  return account
}

function keptRelinking({ store }: RegistrationOptions, account: Account): Relinking | undefined {
  const kept = readPending(store)
  return kept?.kind === 'relinking' && kept.keys.account === account.account ? kept : undefined
}

/**
 * Own list brought up to date, new keys, and the list that names them; committed before the server
 * hears of it.
 */
async function prepare(options: RegistrationOptions, account: Account): Promise<Relinking> {
  const { clock, random, store } = options
  await catchUp(options, account)
  const before = readDeviceList(store, account.account)
  if (!before?.list.devices.some((device) => device.id === account.device)) {
    throw parleyError('revoked')
  }
  const device = newDevice(store, random)
  const old = { id: account.device, identity: account.identity }
  const { signed, listed } = replacingList({ before, device, old, random })
  const relinking: Relinking = {
    kind: 'relinking',
    keys: pendingKeys(device, account.account, listed),
    request: {
      device_list: listJson(signed),
      new_device: { device: device.id, prekeys: uploadOf(device.preKeys, device.registrationId) },
    },
  }
  store.transaction(() => {
    writePreKeys(store, device.preKeys, clock.now())
    writePending(store, relinking)
  })
  return relinking
}

async function catchUp({ api, store }: RegistrationOptions, account: Account): Promise<void> {
  for (let answers = 0; answers < listAnswersMax; answers++) {
    const known = readDeviceList(store, account.account)
    const lists = await api.deviceLists(account.account, known?.list.version ?? 0)
    if (lists.length === 0) return
    const verified = verifiedChain(lists, known)
    store.transaction(() => {
      for (const list of verified) writeDeviceList(store, list)
    })
  }
}

/**
 * The new device's tokens; undefined when the list has changed meanwhile and another one must be
 * made.
 */
async function exchanged(
  options: RegistrationOptions,
  relinking: Relinking,
): Promise<Tokens | undefined> {
  try {
    const { tokens } = await options.api.changeDevices(relinking.request)
    if (!tokens) throw new WireError('the server gave the new device no tokens')
    return tokens
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    switch (error.code) {
      case 'list-conflict':
      case 'invalid-list':
        return undefined
      case 'device-revoked':
      case 'token-invalid':
      case 'token-reused':
        return tokensOfNewDevice(options, relinking)
      default:
        throw error
    }
  }
}

/**
 * The old device is refused: because the new one has taken its place already, and only the answer
 * was lost?
 */
async function tokensOfNewDevice(
  { api, random, store }: RegistrationOptions,
  { keys }: Relinking,
): Promise<Tokens> {
  const { privateKey } = identityOf(keys)
  const { nonce } = await api.tokenNonce()
  const { account, device } = keys
  try {
    return await api.tokens(signedRequest({ account, device, privateKey }, nonce, random))
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    if (error.code !== 'device-revoked' && error.code !== 'token-invalid') throw error
    store.transaction(() => writePending(store, undefined))
    throw parleyError('revoked', error)
  }
}

function commit(
  { clock, store }: RegistrationOptions,
  relinking: Relinking,
  tokens: Tokens,
  reset: () => void,
): void {
  const old = readAccount(store)
  if (old?.account !== relinking.keys.account) throw parleyError('not-registered')
  const known = readDeviceList(store, old.account)
  const lists = listsToWrite(relinking.request.device_list, known)
  store.transaction(() => {
    for (const list of lists) writeDeviceList(store, list)
    reset()
    writeAccount(store, accountOf(relinking.keys, old), storedTokens(tokens, clock.now()))
    writePending(store, undefined)
  })
}

/** The notice of the change may have brought the list already. */
function listsToWrite(json: SignedListJson, known: VerifiedList | undefined): VerifiedList[] {
  const signed = listFromJson(json)
  return known && equalBytes(known.signed.body, signed.body) ? [] : verifiedChain([signed], known)
}
