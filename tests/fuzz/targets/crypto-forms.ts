/** packages/crypto, what only looks at the form: messages, stored records, keys, padding, texts. */
import { CryptoError, newRecoveryKey, pad, rootKeyPair, safetyNumber } from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import { concatBytes } from '../../../packages/crypto/src/bytes.ts'
import { nobleCurve } from '../../../packages/crypto/src/curve.ts'
import { matchesScanned } from '../../../packages/crypto/src/fingerprint.ts'
import { parsePreKeyMessage, parseRatchetMessage } from '../../../packages/crypto/src/messages.ts'
import { unpad } from '../../../packages/crypto/src/padding.ts'
import { parseFields } from '../../../packages/crypto/src/protobuf.ts'
import { readPreKeyMessage } from '../../../packages/crypto/src/receiving.ts'
import { parseRecoveryKey } from '../../../packages/crypto/src/recovery-key.ts'
import {
  decodeSenderKeyRecord,
  encodeSenderKeyRecord,
} from '../../../packages/crypto/src/sender-key-record.ts'
import {
  parseDistribution,
  parseGroupMessage,
} from '../../../packages/crypto/src/sender-key-messages.ts'
import { GroupSender } from '../../../packages/crypto/src/sender-keys.fixture.ts'
import {
  acceptSenderKey,
  readGroupMessage,
  readSenderKeyDistribution,
} from '../../../packages/crypto/src/sender-keys.ts'
import {
  decodeRecord,
  decodeSession,
  encodeRecord,
  encodeSession,
} from '../../../packages/crypto/src/session-record.ts'
import {
  archiveSession,
  encryptMessage,
  hasUsableSession,
} from '../../../packages/crypto/src/sessions.ts'
import {
  isPublicKey,
  isTorsionFree,
  verify,
  verifyWith,
} from '../../../packages/crypto/src/signatures.ts'
import { decodeSpqr, encodeSpqr } from '../../../packages/crypto/src/spqr-codec.ts'
import { repeatableRandom } from '../../../packages/crypto/src/two-devices.fixture.ts'
import { BrokenPromise, type FuzzFunction, type Target, textBytes, textOf } from '../target.ts'
import { converse, type Conversation } from './conversation.ts'
import * as samples from './samples.ts'

export function refuses(error: unknown): boolean {
  return error instanceof CryptoError
}

type Parse = (input: Uint8Array) => unknown

function parser(name: string, seeds: readonly Uint8Array[], run: Parse): FuzzFunction {
  return { name, kind: 'bytes', seeds, run, refuses, pure: true }
}

function framed(
  name: string,
  tail: number,
  [seeds, run]: [readonly Uint8Array[], Parse],
): FuzzFunction {
  return { ...parser(name, seeds, run), kind: 'protobuf', frame: { head: 1, tail } }
}

/** Each content has one encoding: what was read is written as it was. */
function oneEncoding<T>(read: (bytes: Uint8Array) => T, write: (value: T) => Uint8Array): Parse {
  return (input) => {
    const value = read(input)
    if (!Bun.deepEquals(new Uint8Array(write(value)), new Uint8Array(input))) {
      throw new BrokenPromise('what was read is written otherwise')
    }
    return value
  }
}

async function messages(): Promise<FuzzFunction[]> {
  const { first, later } = await converse()
  const sender = new GroupSender('form')
  const group = [(await sender.send('hello')).ciphertext, (await sender.send('')).ciphertext]
  const distribution = [sender.distribution()]
  const { localKey, localId, remoteKey, remoteId } = numbered()
  const number = safetyNumber({ localKey, localId, remoteKey, remoteId })
  const theirs = safetyNumber({
    localKey: remoteKey,
    localId: remoteId,
    remoteKey: localKey,
    remoteId: localId,
  })
  const fields = [number.scannable, theirs.scannable]
  return [
    framed('parseRatchetMessage', 8, [later, parseRatchetMessage]),
    framed('parsePreKeyMessage', 0, [first, parsePreKeyMessage]),
    framed('readPreKeyMessage', 0, [first, readPreKeyMessage]),
    framed('parseGroupMessage', 64, [group, parseGroupMessage]),
    framed('readGroupMessage', 64, [group, readGroupMessage]),
    framed('parseDistribution', 0, [distribution, parseDistribution]),
    framed('readSenderKeyDistribution', 0, [distribution, readSenderKeyDistribution]),
    {
      ...parser('parseFields', fields, (input) => {
        const parsed = parseFields(input)
        return [1, 2, 3].map((field) => (field === 1 ? parsed.uint32(field) : parsed.bytes(field)))
      }),
      kind: 'protobuf',
    },
    {
      ...parser('matchesScanned', fields, (input) => matchesScanned(number.scannable, input)),
      kind: 'protobuf',
    },
  ]
}

function numbered() {
  const random = repeatableRandom('safety numbers')
  const key = () => rootKeyPair(newRecoveryKey(random)).publicKey
  return { localKey: key(), localId: random(16), remoteKey: key(), remoteId: random(16) }
}

function memberRecords(): Uint8Array[] {
  const sender = new GroupSender('records')
  const first = acceptSenderKey({ record: undefined, distribution: sender.distribution() })
  sender.rotate()
  return [
    sender.record,
    first,
    acceptSenderKey({ record: first, distribution: sender.distribution() }),
  ]
}

/** A stored record that a failing disk has spoilt may be refused, and no more. */
async function records(): Promise<FuzzFunction[]> {
  const { bob, records: stored }: Conversation = await converse()
  const sessions = stored.flatMap((record) => decodeRecord(record).sessions)
  const ratchets = sessions.map((session) => decodeSession(session).spqr)
  const { local, remote } = bob
  const encrypt = (record: Uint8Array) => {
    const random = repeatableRandom('records')
    const plaintext = new Uint8Array(9)
    return encryptMessage({
      local,
      remote,
      random,
      nowMs: bob.nowMs,
      curve: bunCurve,
      record,
      plaintext,
    })
  }
  return [
    // One spelling of a flag is taken for another, so not all of it comes back as it was.
    parser('decodeRecord', stored, (input) => encodeRecord(decodeRecord(input)).length),
    parser('decodeSession', sessions, (input) => encodeSession(decodeSession(input)).length),
    parser('decodeSpqr', ratchets, oneEncoding(decodeSpqr, encodeSpqr)),
    parser(
      'decodeSenderKeyRecord',
      memberRecords(),
      oneEncoding(decodeSenderKeyRecord, encodeSenderKeyRecord),
    ),
    parser('hasUsableSession', stored, (input) => hasUsableSession(input, bob.nowMs)),
    parser('archiveSession', stored, archiveSession),
    {
      ...parser('encryptMessage', stored, encrypt),
      outputBytesMax: (length) => 3 * length + 10_000,
    },
  ]
}

/** 33 bytes of key, 64 of signature, and the message. */
function signatures(): FuzzFunction[] {
  const { lists, root } = samples.chain
  const signed = lists.slice(0, 1).map(({ body, signature }) => {
    return concatBytes(
      root.publicKey,
      signature,
      new TextEncoder().encode('Parley device list v1\0'),
      body,
    )
  })
  const privateKey = repeatableRandom('agreement')(32)
  const never: Pick<FuzzFunction, 'refuses'> = { refuses: () => false }
  return [
    {
      ...parser('verify', signed, (input) => {
        const [key, signature, message] = [input.slice(0, 33), input.slice(33, 97), input.slice(97)]
        const isValid = verify(key, message, signature)
        return verifyWith(bunCurve, key, message, signature).then((native) => {
          if (native !== isValid) throw new BrokenPromise('the backends disagree on a signature')
          return [isValid, isPublicKey(key), isTorsionFree(key)]
        })
      }),
      ...never,
      every: 5,
    },
    parser('agree', [root.publicKey], async (input) => {
      const [reference, native] = await Promise.allSettled([
        nobleCurve.agree(privateKey, input),
        bunCurve.agree(privateKey, input),
      ])
      if (!Bun.deepEquals(outcomeOf(reference), outcomeOf(native))) {
        throw new BrokenPromise('the backends disagree on a shared secret')
      }
      if (native.status === 'rejected') throw native.reason
      return native.value
    }),
  ]
}

function outcomeOf(settled: PromiseSettledResult<Uint8Array>): unknown {
  if (settled.status === 'fulfilled') return [...settled.value]
  return settled.reason instanceof CryptoError ? settled.reason.code : String(settled.reason)
}

function texts(): FuzzFunction[] {
  const random = repeatableRandom('texts')
  const keys = [
    newRecoveryKey(random),
    newRecoveryKey(random).toUpperCase().replaceAll(/.{4}/g, '$& '),
  ]
  const text = (name: string, parse: (text: string) => unknown): FuzzFunction => {
    return { ...parser(name, keys.map(textBytes), (input) => parse(textOf(input))), kind: 'text' }
  }
  const { localKey, localId, remoteKey, remoteId } = numbered()
  return [
    text('parseRecoveryKey', parseRecoveryKey),
    text('rootKeyPair', rootKeyPair),
    parser('unpad', [pad(random(100)), pad(new Uint8Array(0)), pad(random(3_000))], unpad),
    {
      ...parser('safetyNumber', [remoteKey], (input) =>
        safetyNumber({ localKey, localId, remoteKey: input, remoteId }),
      ),
      // The many rounds of a fingerprint.
      every: 200,
    },
  ]
}

function covers(...names: string[]): string[] {
  return names.map((name) => `crypto:${name}`)
}

export const cryptoFormTargets: readonly Target[] = [
  {
    name: 'crypto-messages',
    says: 'messages of sessions and groups, and scanned safety numbers, as to their form',
    covers: covers(
      'parseRatchetMessage',
      'parsePreKeyMessage',
      'readPreKeyMessage',
      'parseGroupMessage',
      'readGroupMessage',
      'parseDistribution',
      'readSenderKeyDistribution',
      'parseFields',
      'matchesScanned',
    ),
    open: async () => ({ functions: await messages() }),
  },
  {
    name: 'crypto-records',
    says: 'stored records of sessions and sender keys that something has spoilt',
    covers: covers(
      'decodeRecord',
      'decodeSession',
      'decodeSpqr',
      'readStep',
      'readFlag',
      'decodeSenderKeyRecord',
    ),
    open: async () => ({ functions: await records() }),
  },
  {
    name: 'crypto-keys',
    says: 'public keys and signatures, the same with each backend',
    covers: covers(
      'verify',
      'verifyWith',
      'verifyEd25519',
      'verifyEd25519Natively',
      'isPublicKey',
      'isTorsionFree',
    ),
    open: () => ({ functions: signatures() }),
  },
  {
    name: 'crypto-texts',
    says: 'recovery keys, padding, and keys of safety numbers',
    covers: covers('parseRecoveryKey', 'unpad'),
    open: () => ({ functions: texts() }),
  },
]
