/** The operations by @parley/crypto, in a worker, as the web app runs them. */
import {
  acceptSenderKey,
  createSenderKey,
  createSession,
  decryptGroupMessage,
  decryptMessage,
  decryptPreKeyMessage,
  type Encrypted,
  encryptGroupMessage,
  encryptMessage,
  generateKeyPair,
  generateKyberPreKey,
  generateOneTimePreKey,
  generateSignedPreKey,
  type LocalIdentity,
  type NamedPreKeys,
  type PreKeyBundle,
  type RandomBytes,
  readPreKeyMessage,
  type SenderKeyRecord,
  type SessionRecord,
  senderKeyDistribution,
} from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import { runnerOf, type Subject, type Task } from './operations.ts'

declare const self: Worker

interface Device {
  local: LocalIdentity
  /** By the id of the signed one. */
  prekeys: Map<number, NamedPreKeys>
  record: SessionRecord | undefined
}

interface Group {
  own: SenderKeyRecord
  theirs: SenderKeyRecord
}

const random: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length))
const outside = { random, nowMs: Date.UTC(2026, 0, 1), curve: bunCurve }

const subject: Subject<Device, PreKeyBundle, Encrypted, Group> = {
  device() {
    const address = { account: crypto.randomUUID(), device: 1 }
    const local = { address, identity: generateKeyPair(random), registrationId: 1 }
    return { local, prekeys: new Map(), record: undefined }
  },
  bundle(of) {
    const { identity, registrationId } = of.local
    const id = of.prekeys.size
    const signedPreKey = generateSignedPreKey({ identity, id, random })
    const kyberPreKey = generateKyberPreKey({ identity, id, random })
    const oneTimePreKey = generateOneTimePreKey({ id, random })
    of.prekeys.set(id, { signed: signedPreKey, kyber: kyberPreKey, oneTime: oneTimePreKey })
    const identityKey = identity.publicKey
    return { registrationId, identityKey, signedPreKey, kyberPreKey, oneTimePreKey }
  },
  async connect(from, to, bundle) {
    const parties = { local: from.local, remote: to.local.address }
    from.record = await createSession({ ...parties, ...outside, bundle, record: undefined })
  },
  forgetSessions(device) {
    device.record = undefined
  },
  async send(from, to, plaintext) {
    const parties = { local: from.local, remote: to.local.address }
    const record = present(from.record)
    const sealed = await encryptMessage({ ...parties, ...outside, record, plaintext })
    from.record = sealed.record
    return sealed
  },
  async receive(to, from, { type, ciphertext }) {
    const input = { local: to.local, remote: from.local.address, ...outside, ciphertext }
    if (type === 'prekey') {
      const prekeys = to.prekeys.get(readPreKeyMessage(ciphertext).signedPreKeyId)
      const opened = await decryptPreKeyMessage({ ...input, record: to.record, prekeys })
      to.record = opened.record
    } else {
      to.record = (await decryptMessage({ ...input, record: present(to.record) })).record
    }
  },
  async group() {
    const own = createSenderKey({ distributionId: crypto.randomUUID(), random })
    const distribution = senderKeyDistribution(own)
    return { own, theirs: acceptSenderKey({ record: undefined, distribution }) }
  },
  distribution: ({ own }) => senderKeyDistribution(own),
  async groupSeal(group, plaintext) {
    const input = { record: group.own, plaintext, curve: bunCurve }
    const { record, ciphertext } = await encryptGroupMessage(input)
    group.own = record
    return ciphertext
  },
  async groupOpen(group, ciphertext) {
    const input = { record: group.theirs, ciphertext, curve: bunCurve }
    group.theirs = (await decryptGroupMessage(input)).record
  },
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the devices have no session')
  return value
}

const run = runnerOf(subject)
self.onmessage = async ({ data }: MessageEvent<Task>) => {
  self.postMessage(await run(data))
}
