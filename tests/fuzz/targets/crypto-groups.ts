/** packages/crypto: sender keys, and chunked encryption of media. */
import { bunAesGcm, bunCurve } from '@parley/crypto/bun'
import { concatBytes, utf8 } from '../../../packages/crypto/src/bytes.ts'
import {
  acceptHeader,
  createOpener,
  HEADER_BYTES,
  plaintextSize,
} from '../../../packages/crypto/src/chunked.ts'
import { openMedia, sealMedia, verifyMedia } from '../../../packages/crypto/src/chunked-media.ts'
import { openStream, sealStream } from '../../../packages/crypto/src/chunked-streams.ts'
import { decodeSenderKeyRecord } from '../../../packages/crypto/src/sender-key-record.ts'
import { GroupSender } from '../../../packages/crypto/src/sender-keys.fixture.ts'
import { acceptSenderKey, decryptGroupMessage } from '../../../packages/crypto/src/sender-keys.ts'
import { repeatableRandom } from '../../../packages/crypto/src/two-devices.fixture.ts'
import type { FuzzFunction, Target } from '../target.ts'
import { withUntouched } from './conversation.ts'
import { refuses } from './crypto-forms.ts'

const signatureBytes = 64
/** Skipped keys: 36 bytes for each of 2,000. */
const recordBytesMax = 200_000

async function senderKeys(): Promise<FuzzFunction[]> {
  const sender = new GroupSender('fuzz')
  const distribution = sender.distribution()
  const member = acceptSenderKey({ record: undefined, distribution })
  const sent = [await sender.send('hello'), await sender.send('and a longer one '.repeat(9))]
  const ciphertexts = sent.map(({ ciphertext }) => ciphertext)
  const shared = { refuses, pure: true, outputBytesMax: () => recordBytesMax } as const
  const open = (ciphertext: Uint8Array) =>
    withUntouched(member, () =>
      decryptGroupMessage({ record: member, ciphertext, curve: bunCurve }),
    )
  const accept = (record: Uint8Array | undefined) => (input: Uint8Array) =>
    withUntouched(record, () => acceptSenderKey({ record, distribution: input }))
  const signer = ownChain(sender.record)
  return [
    {
      ...shared,
      name: 'decryptGroupMessage',
      kind: 'protobuf',
      frame: { head: 1, tail: signatureBytes },
      seeds: ciphertexts,
      run: open,
    },
    {
      // A member signs whatever it likes.
      ...shared,
      name: 'decryptGroupMessage of a hostile member',
      kind: 'protobuf',
      frame: { head: 1, tail: 0 },
      seeds: ciphertexts.map((each) => each.slice(0, -signatureBytes)),
      run: async (body) => open(await signed(signer, body)),
    },
    {
      ...shared,
      name: 'acceptSenderKey',
      kind: 'protobuf',
      frame: { head: 1, tail: 0 },
      seeds: [distribution],
      run: accept(undefined),
    },
    {
      ...shared,
      name: 'acceptSenderKey beside others',
      kind: 'protobuf',
      frame: { head: 1, tail: 0 },
      seeds: [sender.distribution(), distribution],
      run: accept(member),
    },
  ]
}

interface Signer {
  seed: Uint8Array
  signBit: number
}

function ownChain(record: Uint8Array): Signer {
  const decoded = decodeSenderKeyRecord(record)
  if (decoded.kind !== 'own') throw new Error('not the own chain')
  return decoded.chain
}

async function signed({ seed, signBit }: Signer, body: Uint8Array): Promise<Uint8Array> {
  const signature = Uint8Array.from(await bunCurve.sign(seed, body))
  signature[63] = (signature[63] ?? 0) | signBit
  return concatBytes(body, signature)
}

async function whole(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return concatBytes(...pieces)
}

async function media(): Promise<FuzzFunction[]> {
  const random = repeatableRandom('media')
  const key = { key: random(32), context: utf8('fuzz'), aesGcm: bunAesGcm }
  const seal = (length: number) =>
    whole(sealStream({ ...key, random, plaintext: [new Uint8Array(length).fill(7)] }))
  const streams = [await seal(0), await seal(100), await seal(16_384), await seal(20_000)]
  const medium = sealMedia({ plaintext: [random(500)], aesGcm: bunAesGcm, random })
  const ciphertext = await whole(medium.ciphertext)
  const reference = medium.reference()
  const shared = { kind: 'bytes', refuses, pure: true } as const
  return [
    {
      ...shared,
      name: 'openStream',
      seeds: streams,
      run: (input) => whole(openStream({ ...key, ciphertext: [input] })),
    },
    {
      ...shared,
      name: 'createOpener',
      seeds: streams,
      run: async (input) => {
        const header = input.slice(0, HEADER_BYTES)
        const opener = await createOpener({ ...key, header, sealedBytes: input.length })
        const range = { start: 0, end: opener.plaintextBytes }
        const part = opener.covering(range)
        return opener.read(range, input.slice(part.start, part.end))
      },
    },
    {
      ...shared,
      name: 'acceptHeader',
      seeds: streams.map((stream) => stream.slice(0, HEADER_BYTES)),
      run: async (header) => typeof (await acceptHeader({ ...key, header })),
    },
    {
      ...shared,
      name: 'plaintextSize',
      seeds: [new Uint8Array(new Float64Array([20_000]).buffer)],
      run: (input) => plaintextSize(new DataView(joinedTo(input, 8).buffer).getFloat64(0, true)),
    },
    {
      ...shared,
      name: 'openMedia',
      seeds: [ciphertext],
      run: async (input) => {
        await verifyMedia({ reference, ciphertext: [input], aesGcm: bunAesGcm })
        return whole(openMedia({ reference, ciphertext: [input], aesGcm: bunAesGcm }))
      },
    },
  ]
}

function joinedTo(input: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  bytes.set(input.subarray(0, length))
  return bytes
}

function covers(...names: string[]): string[] {
  return names.map((name) => `crypto:${name}`)
}

export const cryptoGroupTargets: readonly Target[] = [
  {
    name: 'crypto-sender-keys',
    says: 'distributions and messages of groups, of the server and of a hostile member',
    covers: covers('acceptSenderKey', 'decryptGroupMessage'),
    open: async () => ({ functions: await senderKeys() }),
  },
  {
    name: 'crypto-media',
    says: 'ciphertexts of media, as streams and from anywhere',
    covers: covers('openStream', 'acceptHeader', 'openMedia', 'verifyMedia', 'createOpener'),
    open: async () => ({ functions: await media() }),
  },
]
