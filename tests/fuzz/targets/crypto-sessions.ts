/**
 * packages/crypto, where keys are: messages that a server or a peer has spoilt, on real sessions. A
 * refusal must leave the record as it was.
 */
import { bunCurve } from '@parley/crypto/bun'
import { concatBytes, utf8 } from '../../../packages/crypto/src/bytes.ts'
import {
  encodePreKeyMessage,
  messageMac,
  parsePreKeyMessage,
} from '../../../packages/crypto/src/messages.ts'
import { checkBundle } from '../../../packages/crypto/src/prekeys.ts'
import { hkdfSha256 } from '../../../packages/crypto/src/primitives.ts'
import { encodeFields, parseFields } from '../../../packages/crypto/src/protobuf.ts'
import { stepSending } from '../../../packages/crypto/src/ratchet.ts'
import { decryptMessage, decryptPreKeyMessage } from '../../../packages/crypto/src/receiving.ts'
import { decodeRecord, decodeSession } from '../../../packages/crypto/src/session-record.ts'
import { createSession } from '../../../packages/crypto/src/sessions.ts'
import { sign } from '../../../packages/crypto/src/keys.ts'
import { decodeSpqrMessage } from '../../../packages/crypto/src/spqr-message.ts'
import { decodeSpqr, encodeSpqr, spqrReceive, spqrSend } from '../../../packages/crypto/src/spqr.ts'
import { repeatableRandom } from '../../../packages/crypto/src/two-devices.fixture.ts'
import type { PreKeyBundle } from '../../../packages/crypto/src/types.ts'
import type { FuzzFunction, Target } from '../target.ts'
import { converse, type Conversation, type Waiting, withUntouched } from './conversation.ts'
import { refuses } from './crypto-forms.ts'

const macBytes = 8
/** Skipped keys may be many for a message from far ahead: 36 and 40 bytes for each of 2,000. */
const recordBytesMax = 400_000
const outputBytesMax = () => recordBytesMax

/** Not the same for two calls of one run, the same for two of the same input. */
function surroundings() {
  return { curve: bunCurve, random: repeatableRandom('fuzz receiver') }
}

function openWaiting({ bob }: Conversation, { record }: Waiting, ciphertext: Uint8Array) {
  const { local, nowMs, remote } = bob
  return withUntouched(record, () =>
    decryptMessage({ local, remote, nowMs, ...surroundings(), record, ciphertext }),
  )
}

/** What the server can do: it has no key. One function for each of some stages of a session. */
function spoiltMessages(conversation: Conversation): FuzzFunction[] {
  return conversation.waiting.map((each, index) => ({
    name: `decryptMessage ${index}`,
    kind: 'protobuf',
    frame: { head: 1, tail: macBytes },
    seeds: [each.ciphertext],
    run: (input) => openWaiting(conversation, each, input),
    refuses,
    pure: true,
    outputBytesMax,
  }))
}

/** What a peer can do: whatever it writes bears the right MAC. */
function forgedMessages(conversation: Conversation): FuzzFunction[] {
  const { alice, bob, waiting } = conversation
  const identities = {
    sender: alice.local.identity.publicKey,
    receiver: bob.local.identity.publicKey,
  }
  // Every second one is the message that its writer's record was just about to write.
  return waiting
    .filter((_, index) => index % 2 === 0)
    .map((each, index) => {
      const key = macKeyOf(each)
      const forge = (body: Uint8Array) => concatBytes(body, messageMac(key, identities, body))
      return {
        name: `decryptMessage of a peer ${index}`,
        kind: 'protobuf',
        frame: { head: 1, tail: 0 },
        seeds: [each.ciphertext.slice(0, -macBytes)],
        run: (body) => openWaiting(conversation, each, forge(body)),
        refuses,
        pure: true,
        outputBytesMax,
      }
    })
}

/** Of the message that the writer's record writes next. */
function macKeyOf({ writer }: Waiting): Uint8Array {
  const [newest] = decodeRecord(writer).sessions
  if (!newest) throw new Error('the writer has no session')
  const session = decodeSession(newest)
  const { seed } = stepSending(session.ratchet)
  const { key } = spqrSend(decodeSpqr(session.spqr), repeatableRandom('not used for the key'))
  const info = utf8('WhisperMessageKeys')
  return hkdfSha256({ secret: seed, salt: key, info, length: 80 }).subarray(32, 64)
}

/** The post-quantum ratchet alone, at those stages. */
function ratchetMessages({ waiting }: Conversation): FuzzFunction[] {
  const messages = waiting.map(({ ciphertext }) => pqRatchetOf(ciphertext))
  const receivers = waiting.map(({ record, ciphertext }, index): FuzzFunction => {
    const state = currentSpqr(record)
    return {
      name: `spqrReceive ${index}`,
      kind: 'bytes',
      seeds: [pqRatchetOf(ciphertext)],
      run: (input) =>
        withUntouched(state, () => {
          const received = spqrReceive(decodeSpqr(state), input)
          return { key: received.key, state: encodeSpqr(received.state) }
        }),
      refuses,
      pure: true,
      outputBytesMax,
    }
  })
  const form: FuzzFunction = {
    name: 'decodeSpqrMessage',
    kind: 'bytes',
    seeds: messages,
    run: decodeSpqrMessage,
    refuses,
    pure: true,
  }
  return [form, ...receivers]
}

function pqRatchetOf(ciphertext: Uint8Array): Uint8Array {
  const message = parseFields(ciphertext.subarray(1, -macBytes)).bytes(5)
  if (!message) throw new Error('no post-quantum message in it')
  return message.slice()
}

function currentSpqr(record: Uint8Array): Uint8Array {
  const [newest] = decodeRecord(record).sessions
  if (!newest) throw new Error('no session in the record')
  return decodeSession(newest).spqr.slice()
}

function firstMessages({ bob, first }: Conversation): FuzzFunction[] {
  const { local, nowMs, remote } = bob
  const run = (input: Uint8Array, record: Uint8Array | undefined) => {
    const { oneTimePreKeyId } = parsePreKeyMessage(input)
    const oneTime = oneTimePreKeyId === undefined ? undefined : bob.prekeys.oneTime
    const prekeys = { ...bob.prekeys, oneTime }
    return withUntouched(record, () =>
      decryptPreKeyMessage({
        ...surroundings(),
        local,
        remote,
        nowMs,
        record,
        ciphertext: input,
        prekeys,
      }),
    )
  }
  const shared = { kind: 'protobuf', frame: { head: 1, tail: 0 }, refuses, pure: true } as const
  const [opening] = first
  if (!opening) throw new Error('there is no first message')
  const inner = (message: Uint8Array) =>
    encodePreKeyMessage({ ...parsePreKeyMessage(opening), message })
  return [
    {
      ...shared,
      name: 'decryptPreKeyMessage',
      seeds: [opening],
      run: (input) => run(input, undefined),
      outputBytesMax,
    },
    {
      ...shared,
      name: 'decryptPreKeyMessage, inside',
      frame: { head: 1, tail: macBytes },
      seeds: [parsePreKeyMessage(opening).message],
      run: (input) => run(inner(input), undefined),
      outputBytesMax,
    },
  ]
}

/** A bundle as protobuf: number and key of each part, and the two signatures. */
function bundles({ bob }: Conversation): FuzzFunction[] {
  const { identity } = bob.local
  const { kyber, oneTime, signed } = bob.prekeys
  const fields = (key: Uint8Array) =>
    encodeFields([
      [1, 7],
      [2, key],
      [3, signed.publicKey],
      [4, signed.signature],
      [5, kyber.publicKey],
      [6, kyber.signature],
      [7, oneTime.publicKey],
    ])
  const shared = { refuses, pure: true, outputBytesMax } as const
  return [
    {
      ...shared,
      name: 'createSession',
      kind: 'protobuf',
      seeds: [fields(identity.publicKey)],
      run: (input) => begin(bundleIn(input)),
    },
    {
      // Its own signature is under it, so that only the form of the key is left to refuse.
      ...shared,
      name: 'createSession with a Kyber key of a hostile peer',
      kind: 'bytes',
      seeds: [kyber.publicKey],
      run: (publicKey) => {
        const signature = sign(identity.privateKey, publicKey, repeatableRandom('hostile'))
        const hostile = bundleIn(fields(identity.publicKey))
        return begin({ ...hostile, kyberPreKey: { id: 22, publicKey, signature } })
      },
    },
    {
      ...shared,
      name: 'checkBundle',
      kind: 'protobuf',
      seeds: [fields(identity.publicKey)],
      run: (input) => checkBundle(bundleIn(input), bunCurve),
    },
  ]

  function begin(bundle: PreKeyBundle) {
    const { local, nowMs, remote } = bob
    return createSession({ ...surroundings(), local, remote, nowMs, bundle, record: undefined })
  }
}

function bundleIn(input: Uint8Array): PreKeyBundle {
  const parsed = parseFields(input)
  const bytes = (field: number) => parsed.bytes(field) ?? new Uint8Array(0)
  const oneTime = parsed.bytes(7)
  return {
    registrationId: parsed.uint32(1) ?? 0,
    identityKey: bytes(2),
    signedPreKey: { id: 21, publicKey: bytes(3), signature: bytes(4) },
    kyberPreKey: { id: 22, publicKey: bytes(5), signature: bytes(6) },
    oneTimePreKey: oneTime && { id: 23, publicKey: oneTime },
  }
}

function covers(...names: string[]): string[] {
  return names.map((name) => `crypto:${name}`)
}

export const cryptoSessionTargets: readonly Target[] = [
  {
    name: 'crypto-decrypt',
    says: 'messages that the server spoilt, on sessions of several ages',
    covers: covers('decryptMessage'),
    open: async () => ({ functions: spoiltMessages(await converse()) }),
  },
  {
    name: 'crypto-decrypt-forged',
    says: 'messages of a hostile peer, with the right MAC',
    covers: [],
    open: async () => ({ functions: forgedMessages(await converse()) }),
  },
  {
    name: 'crypto-decrypt-first',
    says: 'first messages, outside and inside',
    covers: covers('decryptPreKeyMessage'),
    open: async () => ({ functions: firstMessages(await converse()) }),
  },
  {
    name: 'crypto-spqr',
    says: 'messages of the post-quantum ratchet, at all its stages',
    covers: covers('decodeSpqrMessage', 'spqrReceive'),
    open: async () => ({ functions: ratchetMessages(await converse()) }),
  },
  {
    name: 'crypto-bundles',
    says: 'prekey bundles of a hostile server, and of a hostile peer',
    covers: covers('checkBundle'),
    open: async () => ({ functions: bundles(await converse()) }),
  },
]
