/** Slips in the encryption of media: chunks, streams, and what a message says of a medium. */
import type { Fault } from './fault.ts'

const crypto = 'packages/crypto/src'
const chunked = `${crypto}/chunked.test.ts`
const media = `${crypto}/chunked-media.test.ts`

export const mediaFaults: readonly Fault[] = [
  {
    name: 'chunk-number-not-in-nonce',
    why: 'all chunks of a medium share one nonce, and can be swapped and read',
    file: `${crypto}/chunked.ts`,
    find: 'view.getUint32(8) ^ (index % 2 ** 32)',
    put: 'view.getUint32(8)',
    killedBy: {
      file: chunked,
      test: 'chunks that are swapped, repeated, left out or from elsewhere are refused',
    },
  },
  {
    name: 'chunk-number-cut',
    why: 'nonces come up again after 64 TiB, and nothing else reads what lies beyond',
    file: `${crypto}/chunked.ts`,
    find: 'view.getUint8(7) ^ Math.floor(index / 2 ** 32)',
    put: 'view.getUint8(7)',
    killedBy: {
      file: chunked,
      test: 'the nonce of a chunk is the base nonce xor its number, up to the last one there can be',
    },
  },
  {
    name: 'commitment-unchecked',
    why: 'one ciphertext shows one picture to one person and another one to the moderator',
    file: `${crypto}/chunked.ts`,
    find: 'if (!equalBytes(commitment, input.header.subarray(SALT_BYTES))) {',
    put: 'if (commitment.length + SALT_BYTES !== input.header.length) {',
    killedBy: {
      file: `${crypto}/chunked-commitment.test.ts`,
      test: 'a ciphertext opens under the one key that it commits to',
    },
  },
  {
    name: 'constant-salt',
    why: 'two ciphertexts under one key use the same nonces',
    file: `${crypto}/chunked.ts`,
    find: 'const salt = drawn(input.random, SALT_BYTES)',
    put: 'const salt = new Uint8Array(SALT_BYTES)',
    killedBy: {
      file: chunked,
      test: 'every ciphertext has a salt of its own, so one key never meets one nonce twice',
    },
  },
  {
    name: 'context-not-mixed',
    why: 'a part of a backup passes for a medium',
    file: `${crypto}/chunked.ts`,
    find: 'concatBytes(LABEL, salt, context)',
    put: 'concatBytes(LABEL, context.subarray(0, 0), salt)',
    killedBy: { file: chunked, test: 'another key and another context open nothing' },
  },
  {
    name: 'last-chunk-may-be-full',
    why: 'a film that the server cut off at a chunk’s end passes for whole',
    file: `${crypto}/chunked-streams.ts`,
    find: 'yield piece.subarray(0, filled)',
    put: 'if (filled > 0) yield piece.subarray(0, filled)',
    killedBy: { file: chunked, test: 'a ciphertext cut off anywhere is refused' },
  },
  {
    name: 'failed-stream-ends-well',
    why: 'who asks a stream on after an error is told that it was whole',
    file: `${crypto}/chunked-streams.ts`,
    find: 'if (!failure) return step',
    put: 'if (!failure || step.done) return step',
    killedBy: {
      file: `${crypto}/chunked-streams.test.ts`,
      test: 'a stream that failed never seems to have come to its end',
    },
  },
  {
    name: 'media-hash-unchecked',
    why: 'who knows the key of a medium puts another one in its place',
    file: `${crypto}/chunked-media.ts`,
    find: 'sealedBytes === expectedBytes && equalBytes(hash.digest(), reference.sha256)',
    put: 'sealedBytes === expectedBytes && hash.digest().length === reference.sha256.length',
    killedBy: { file: media, test: 'each check refuses alone: hash, length, commitment, chunks' },
  },
  {
    name: 'media-length-checked-late',
    why: 'a server sends without end, and a device stores it',
    file: `${crypto}/chunked-media.ts`,
    find: '    if (sealedBytes > expectedBytes) throw notTheOne()\n',
    put: '',
    killedBy: { file: media, test: 'a blob without an end is left at the length' },
  },
  {
    name: 'constant-media-key',
    why: 'who was sent one medium can open all of them',
    file: `${crypto}/chunked-media.ts`,
    find: 'const key = drawn(random, AES_KEY_BYTES)',
    put: 'const key = new Uint8Array(AES_KEY_BYTES)',
    killedBy: { file: media, test: 'every medium has a key of its own, and no reference before' },
  },
]
