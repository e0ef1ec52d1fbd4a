/** Accounts of the raw participants: registered over HTTP as a client does, with real keys. */
import { listJson, newDevice, newRoot, preKeyUpload, signBytes, signList } from '@parley/testkit'
import {
  accountIdBytes,
  deviceIdBytes,
  fromBase64,
  fromHex,
  parseAccountId,
  parseDeviceId,
  toBase64,
  toHex,
} from '@parley/wire'
import type {
  DeviceRegistered,
  NumberProven,
  RegistrationStarted,
  TokenNonce,
  Tokens,
} from '@parley/wire'
import type { RawUser } from './channel.ts'

const answerMs = 10_000

async function post<T>(url: string, path: string, body: unknown): Promise<T> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(answerMs),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 200)}`)
  return JSON.parse(text) as T
}

export interface Registrar {
  url: string
  code(phone: string): Promise<string>
}

export async function registerRawUser(
  { url, code }: Registrar,
  who: { name: string; phone: string },
): Promise<RawUser> {
  const started = await post<RegistrationStarted>(url, '/v1/registrations', { phone: who.phone })
  const path = `/v1/registrations/${started.registration}`
  const proven = await post<NumberProven>(url, `${path}/code`, { code: await code(started.phone) })
  const account = parseAccountId(proven.account)
  const device = newDevice()
  const list = signList({
    ...{ account, root: newRoot(), devices: [device] },
    ...{ previous: undefined, signer: undefined },
  })
  await post<DeviceRegistered>(url, `${path}/device`, {
    proof: proven.proof,
    device: device.id,
    device_list: listJson(list.signed),
    prekeys: preKeyUpload({ device, firstId: 1, oneTime: 1, oneTimeKyber: 1 }),
  })
  return {
    name: who.name,
    account,
    device: device.id,
    identity: {
      privateKey: toHex(device.identity.privateKey),
      publicKey: toHex(device.identity.publicKey),
    },
    listHash: toHex(list.hash),
  }
}

/** By the device's signature: nothing to keep, whatever was lost on the way. */
export async function tokenFor(url: string, user: RawUser): Promise<string> {
  const account = parseAccountId(user.account)
  const id = parseDeviceId(user.device)
  const { nonce } = await post<TokenNonce>(url, '/v1/tokens/nonce', {})
  const prefix = new TextEncoder().encode('Parley token v1\0')
  const value = fromBase64(nonce) ?? new Uint8Array()
  const input = Buffer.concat([prefix, accountIdBytes(account), deviceIdBytes(id), value])
  const { privateKey, publicKey } = user.identity
  const identity = { privateKey: fromHex(privateKey), publicKey: fromHex(publicKey) }
  const signature = toBase64(signBytes({ id, number: 1, identity }, input))
  const body = { grant_type: 'device_signature', account, device: id, nonce, signature }
  return (await post<Tokens>(url, '/v1/tokens', body)).access_token
}
