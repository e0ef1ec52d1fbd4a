// The oracle: the official libsignal in a process of its own, playing any number of devices on
// request. Argument: the path of the library's entry. Speaks the lines of oracle-protocol.ts.

import { createInterface } from 'node:readline'
import type * as Libsignal from '@signalapp/libsignal-client'
import {
  fromBase64,
  type OracleAnswer,
  type OracleRequest,
  type OracleResults,
  type PartyName,
  toBase64,
  type WireBundle,
} from './oracle-protocol.ts'
import {
  type Library,
  newStores,
  present,
  restartStores,
  type Stores,
  storeFaces,
} from './oracle-stores.ts'

const PREKEY_TYPE = 3
const FINGERPRINT_ITERATIONS = 5_200
const FINGERPRINT_VERSION = 2

const library: Library = await import(process.argv[2] ?? '@signalapp/libsignal-client')
const parties = new Map<string, Stores>()
let lastId = 0

type Handlers = {
  [Op in OracleRequest['op']]: (
    request: Extract<OracleRequest, { op: Op }>,
  ) => Promise<OracleResults[Op]>
}

const handlers: Handlers = {
  async party({ self }) {
    const stores = newStores(library, ++lastId)
    parties.set(nameOf(self), stores)
    return { identityKey: toBase64(stores.identity.getPublicKey().serialize()) }
  },

  async bundle({ self, oneTime }) {
    return makeBundle(partyOf(self), oneTime)
  },

  async connect({ self, remote, bundle }) {
    const { sessions, identities } = storeFaces(library, partyOf(self))
    partyOf(self).sessions.get(addressOf(remote).toString())?.archiveCurrentState()
    const parsed = parseBundle(bundle, remote.device)
    const call = withLocal(library.processPreKeyBundle, self)
    await call(parsed, addressOf(remote), sessions, identities)
    return null
  },

  async encrypt({ self, remote, plaintext }) {
    const { sessions, identities } = storeFaces(library, partyOf(self))
    const call = withLocal(library.signalEncrypt, self)
    const message = await call(fromBase64(plaintext), addressOf(remote), sessions, identities)
    const type = message.type() === PREKEY_TYPE ? 'prekey' : 'message'
    return { type, ciphertext: toBase64(message.serialize()) }
  },

  async decrypt({ self, remote, type, ciphertext }) {
    const faces = storeFaces(library, partyOf(self))
    const bytes = fromBase64(ciphertext)
    const { sessions, identities } = faces
    if (type === 'message') {
      const call = withLocal(library.signalDecrypt, self)
      const message = library.SignalMessage.deserialize(bytes)
      return toBase64(await call(message, addressOf(remote), sessions, identities))
    }
    const message = library.PreKeySignalMessage.deserialize(bytes)
    const prekeys = [faces.oneTime, faces.signed, faces.kyber]
    const call = withLocal(library.signalDecryptPreKey, self)
    return toBase64(await call(message, addressOf(remote), sessions, identities, ...prekeys))
  },

  async restart({ self }) {
    restartStores(library, partyOf(self))
    return null
  },

  async reveal({ self, bundle }) {
    const { identity, signed, kyber, oneTime } = partyOf(self)
    const oneTimeKey = oneTime.get(bundle.oneTimePreKey?.id ?? 0)
    return {
      identity: toBase64(identity.serialize()),
      signed: toBase64(present(signed.get(bundle.signedPreKey.id)).privateKey().serialize()),
      kyber: toBase64(present(kyber.get(bundle.kyberPreKey.id)).secretKey().serialize()),
      oneTime: oneTimeKey && toBase64(oneTimeKey.privateKey().serialize()),
    }
  },

  async fingerprint({ localId, localKey, remoteId, remoteKey }) {
    const fingerprint = library.Fingerprint.new(
      FINGERPRINT_ITERATIONS,
      FINGERPRINT_VERSION,
      fromBase64(localId),
      library.PublicKey.deserialize(fromBase64(localKey)),
      fromBase64(remoteId),
      library.PublicKey.deserialize(fromBase64(remoteKey)),
    )
    return {
      digits: fingerprint.displayableFingerprint().toString(),
      scannable: toBase64(fingerprint.scannableFingerprint().toBuffer()),
    }
  },
}

type Call<T> = (...args: readonly unknown[]) => Promise<T>

/**
 * Newer versions take the local address as their third argument; which of them do is told by the
 * number of parameters: five or eight with it (an optional one at the end is not counted).
 */
function withLocal<T>(call: Call<T>, self: PartyName): Call<T> {
  if (call.length !== 5 && call.length !== 8) return call
  return (first, remote, ...rest) => call(first, remote, addressOf(self), ...rest)
}

function makeBundle(stores: Stores, withOneTime: boolean): WireBundle {
  const { identity, registrationId } = stores
  const signedId = ++lastId
  const signedKey = library.PrivateKey.generate()
  const signedPublic = signedKey.getPublicKey()
  const signature = identity.sign(signedPublic.serialize())
  const { SignedPreKeyRecord, KyberPreKeyRecord, PreKeyRecord } = library
  const signed = SignedPreKeyRecord.new(signedId, 0, signedPublic, signedKey, signature)
  stores.signed.set(signedId, signed)
  const kyberId = ++lastId
  const pair = library.KEMKeyPair.generate()
  const kyberSignature = identity.sign(pair.getPublicKey().serialize())
  stores.kyber.set(kyberId, KyberPreKeyRecord.new(kyberId, 0, pair, kyberSignature))
  const oneTimeId = ++lastId
  const oneTimeKey = library.PrivateKey.generate()
  const oneTimePublic = oneTimeKey.getPublicKey()
  if (withOneTime) {
    stores.oneTime.set(oneTimeId, PreKeyRecord.new(oneTimeId, oneTimePublic, oneTimeKey))
  }
  return {
    registrationId,
    identityKey: toBase64(identity.getPublicKey().serialize()),
    signedPreKey: {
      id: signedId,
      publicKey: toBase64(signedPublic.serialize()),
      signature: toBase64(signature),
    },
    kyberPreKey: {
      id: kyberId,
      publicKey: toBase64(pair.getPublicKey().serialize()),
      signature: toBase64(kyberSignature),
    },
    oneTimePreKey: withOneTime
      ? { id: oneTimeId, publicKey: toBase64(oneTimePublic.serialize()) }
      : undefined,
  }
}

function parseBundle(bundle: WireBundle, device: number): Libsignal.PreKeyBundle {
  const { signedPreKey, kyberPreKey, oneTimePreKey } = bundle
  const curveKey = (text: string) => library.PublicKey.deserialize(fromBase64(text))
  return library.PreKeyBundle.new(
    bundle.registrationId,
    device,
    oneTimePreKey?.id ?? null,
    oneTimePreKey ? curveKey(oneTimePreKey.publicKey) : null,
    signedPreKey.id,
    curveKey(signedPreKey.publicKey),
    fromBase64(signedPreKey.signature),
    curveKey(bundle.identityKey),
    kyberPreKey.id,
    library.KEMPublicKey.deserialize(fromBase64(kyberPreKey.publicKey)),
    fromBase64(kyberPreKey.signature),
  )
}

function nameOf({ account, device }: PartyName): string {
  return `${account}.${device}`
}

function addressOf({ account, device }: PartyName): Libsignal.ProtocolAddress {
  return library.ProtocolAddress.new(account, device)
}

function partyOf(name: PartyName): Stores {
  const stores = parties.get(nameOf(name))
  if (stores === undefined) throw new Error(`no party ${nameOf(name)}`)
  return stores
}

async function answer(request: OracleRequest): Promise<OracleAnswer> {
  try {
    const handle = handlers[request.op] as (request: OracleRequest) => Promise<unknown>
    return { result: await handle(request) }
  } catch (error) {
    return { refused: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answers: OracleAnswer[] = []
  for (const request of JSON.parse(line) as OracleRequest[]) answers.push(await answer(request))
  process.stdout.write(`${JSON.stringify(answers)}\n`)
}
