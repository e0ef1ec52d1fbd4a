// The oracle: the official libsignal in a process of its own, playing any number of devices on
// request. Argument: the path of the library's entry. Speaks the lines of oracle-protocol.ts.

import { createInterface } from 'node:readline'
import type * as Libsignal from '@signalapp/libsignal-client'
import { type Base64, toBase64 } from './bytes.ts'
import type {
  OracleAnswer,
  OracleRequest,
  OracleResults,
  PartyName,
  WireBundle,
} from './oracle-protocol.ts'
import {
  type Library,
  newStores,
  present,
  restartStores,
  type Stores,
  senderKeyName,
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

  async decrypt({ self, remote, type, ciphertext, as = self }) {
    const faces = storeFaces(library, partyOf(self))
    const bytes = fromBase64(ciphertext)
    const { sessions, identities } = faces
    if (type === 'message') {
      const call = withLocal(library.signalDecrypt, as)
      const message = library.SignalMessage.deserialize(bytes)
      return toBase64(await call(message, addressOf(remote), sessions, identities))
    }
    const message = library.PreKeySignalMessage.deserialize(bytes)
    const prekeys = [faces.oneTime, faces.signed, faces.kyber]
    const call = withLocal(library.signalDecryptPreKey, as)
    return toBase64(await call(message, addressOf(remote), sessions, identities, ...prekeys))
  },

  async restart({ self }) {
    restartStores(library, partyOf(self))
    return null
  },

  async 'group-begin'({ self, distributionId }) {
    const name = senderKeyName(addressOf(self), distributionId)
    partyOf(self).senderKeys.delete(name)
    await distributionOf(self, distributionId)
    return null
  },

  async 'group-distribution'({ self, distributionId }) {
    return toBase64((await distributionOf(self, distributionId)).serialize())
  },

  async 'group-accept'({ self, sender, distribution }) {
    const { senderKeys } = storeFaces(library, partyOf(self))
    const message = library.SenderKeyDistributionMessage.deserialize(fromBase64(distribution))
    await library.processSenderKeyDistributionMessage(addressOf(sender), message, senderKeys)
    return null
  },

  async 'group-encrypt'({ self, distributionId, plaintext }) {
    const { senderKeys } = storeFaces(library, partyOf(self))
    const bytes = fromBase64(plaintext)
    const sealed = await library.groupEncrypt(addressOf(self), distributionId, senderKeys, bytes)
    return toBase64(sealed.serialize())
  },

  async 'group-decrypt'({ self, sender, ciphertext }) {
    const { senderKeys } = storeFaces(library, partyOf(self))
    const bytes = fromBase64(ciphertext)
    return toBase64(await library.groupDecrypt(addressOf(sender), senderKeys, bytes))
  },

  async reveal({ self, bundle }) {
    const { identity, signed, kyber, oneTime } = partyOf(self)
    const oneTimeKey = oneTime.get(bundle.oneTimePreKey?.id ?? 0)
    return {
      identity: toBase64(identity.serialize()),
      signed: toBase64(present(signed.get(bundle.signedPreKey.id)).privateKey().serialize()),
      kyber: toBase64(
        present(kyber.get(bundle.kyberPreKey?.id ?? 0))
          .secretKey()
          .serialize(),
      ),
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
    kyberPreKey?.id ?? null,
    kyberPreKey ? library.KEMPublicKey.deserialize(fromBase64(kyberPreKey.publicKey)) : null,
    kyberPreKey ? fromBase64(kyberPreKey.signature) : null,
  )
}

/** Makes the sender key when there is none. */
function distributionOf(self: PartyName, distributionId: string) {
  const { senderKeys } = storeFaces(library, partyOf(self))
  const { SenderKeyDistributionMessage } = library
  return SenderKeyDistributionMessage.create(addressOf(self), distributionId, senderKeys)
}

/** Older versions take nothing but a Buffer. */
function fromBase64(text: Base64): Buffer {
  return Buffer.from(text, 'base64')
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
    const refused = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { refused }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answers: OracleAnswer[] = []
  for (const request of JSON.parse(line) as OracleRequest[]) answers.push(await answer(request))
  process.stdout.write(`${JSON.stringify(answers)}\n`)
}
