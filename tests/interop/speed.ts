// The official library at the operations of `npm run bench -- crypto`, in a process of its own. A
// line in is a task, the line that answers it the microseconds for one repetition. With `install` it
// only sees to it that the library is there, since the process that installs it cannot load it.

import { createInterface } from 'node:readline'
import type * as Libsignal from '@signalapp/libsignal-client'
import { runnerOf, type Subject, type Task } from '../../bench/crypto/operations.ts'
import { libraryEntry, PINNED_ORACLE } from './install.ts'
import { type Library, newStores, type Stores, storeFaces } from './oracle-stores.ts'

const PREKEY_TYPE = 3

interface Device {
  address: Libsignal.ProtocolAddress
  stores: Stores
  faces: ReturnType<typeof storeFaces>
}

interface Sealed {
  isFirst: boolean
  bytes: Uint8Array
}

interface Group {
  sender: Device
  receiver: Device
  id: string
  distribution: Uint8Array
}

const entry = libraryEntry(PINNED_ORACLE)
if (process.argv[2] === 'install') process.exit(0)
const library: Library = await import(entry)
let lastId = 0

const subject: Subject<Device, Libsignal.PreKeyBundle, Sealed, Group> = {
  device() {
    const stores = newStores(library, 1)
    const address = library.ProtocolAddress.new(crypto.randomUUID(), 1)
    return { address, stores, faces: storeFaces(library, stores) }
  },
  bundle({ stores }) {
    const { identity, registrationId, signed, kyber, oneTime } = stores
    const id = ++lastId
    const signedKey = library.PrivateKey.generate()
    const signedPublic = signedKey.getPublicKey()
    const signature = identity.sign(signedPublic.serialize())
    const { SignedPreKeyRecord, KyberPreKeyRecord, PreKeyRecord } = library
    signed.set(id, SignedPreKeyRecord.new(id, 0, signedPublic, signedKey, signature))
    const pair = library.KEMKeyPair.generate()
    const kyberPublic = pair.getPublicKey()
    const kyberSignature = identity.sign(kyberPublic.serialize())
    kyber.set(id, KyberPreKeyRecord.new(id, 0, pair, kyberSignature))
    const oneTimeKey = library.PrivateKey.generate()
    const oneTimePublic = oneTimeKey.getPublicKey()
    oneTime.set(id, PreKeyRecord.new(id, oneTimePublic, oneTimeKey))
    const head = [registrationId, 1, id, oneTimePublic, id, signedPublic, signature] as const
    const identityKey = identity.getPublicKey()
    return library.PreKeyBundle.new(...head, identityKey, id, kyberPublic, kyberSignature)
  },
  async connect(from, to, bundle) {
    from.stores.sessions.delete(to.address.toString())
    const { sessions, identities } = from.faces
    await library.processPreKeyBundle(bundle, to.address, from.address, sessions, identities)
  },
  forgetSessions({ stores }) {
    stores.sessions.clear()
  },
  async send(from, to, plaintext) {
    const { sessions, identities } = from.faces
    const parties = [to.address, from.address, sessions, identities] as const
    const sealed = await library.signalEncrypt(plaintext, ...parties)
    return { isFirst: sealed.type() === PREKEY_TYPE, bytes: sealed.serialize() }
  },
  async receive(to, from, { isFirst, bytes }) {
    const { sessions, identities, oneTime, signed, kyber } = to.faces
    const parties = [from.address, to.address, sessions, identities] as const
    if (isFirst) {
      const message = library.PreKeySignalMessage.deserialize(bytes)
      await library.signalDecryptPreKey(message, ...parties, oneTime, signed, kyber)
    } else {
      await library.signalDecrypt(library.SignalMessage.deserialize(bytes), ...parties)
    }
  },
  async group() {
    const [sender, receiver, id] = [this.device(), this.device(), crypto.randomUUID()]
    const { SenderKeyDistributionMessage } = library
    const keys = sender.faces.senderKeys
    const distribution = await SenderKeyDistributionMessage.create(sender.address, id, keys)
    const theirs = receiver.faces.senderKeys
    await library.processSenderKeyDistributionMessage(sender.address, distribution, theirs)
    return { sender, receiver, id, distribution: distribution.serialize() }
  },
  distribution: ({ distribution }) => distribution,
  async groupSeal({ sender, id }, plaintext) {
    const { address, faces } = sender
    return (await library.groupEncrypt(address, id, faces.senderKeys, plaintext)).serialize()
  },
  async groupOpen({ sender, receiver }, ciphertext) {
    await library.groupDecrypt(sender.address, receiver.faces.senderKeys, ciphertext)
  },
}

const run = runnerOf(subject)
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line) as Task))}\n`)
}
