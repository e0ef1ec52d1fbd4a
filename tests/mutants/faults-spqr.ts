/** Slips in the post-quantum ratchet: the braid, its authenticator, its chains and its code. */
import type { Fault } from './fault.ts'

const crypto = 'packages/crypto/src'
const spqr = `${crypto}/spqr.test.ts`
const oracle = {
  file: `${crypto}/spqr-oracle.test.ts`,
  test: 'gives the same keys and messages when we were the initiator',
}

export const spqrFaults: readonly Fault[] = [
  {
    name: 'spqr-version-zero',
    why: 'a server talks two devices out of the post-quantum ratchet',
    file: `${crypto}/spqr-message.ts`,
    find: 'if (readByte(cursor) !== VERSION) {',
    put: 'if (readByte(cursor) > VERSION) {',
    killedBy: { file: spqr, test: '[E4] version 0' },
  },
  {
    name: 'spqr-header-mac',
    why: 'who broke X25519 slips in a key of their own for the next epoch',
    file: `${crypto}/spqr-authenticator.ts`,
    find: 'return equalBytes(headerMac(auth, epoch, content), mac)',
    put: 'return headerMac(auth, epoch, content).length === mac.length',
    killedBy: { file: spqr, test: 'a header whose MAC is wrong is refused' },
  },
  {
    name: 'spqr-ciphertext-mac',
    why: 'who broke X25519 slips in a secret of their own for the next epoch',
    file: `${crypto}/spqr-authenticator.ts`,
    find: 'return equalBytes(ciphertextMac(auth, epoch, content), mac)',
    put: 'return ciphertextMac(auth, epoch, content).length === mac.length',
    killedBy: { file: spqr, test: 'a ciphertext whose MAC is wrong is refused' },
  },
  {
    name: 'spqr-vector-of-another-header',
    why: 'the key that is used is not the one that was vouched for',
    file: `${crypto}/kem768.ts`,
    find: 'if (!equalBytes(hash, header.subarray(32))) return false',
    put: 'if (hash.length + 32 !== header.length) return false',
    killedBy: { file: spqr, test: 'a vector that is not the one of its header is refused' },
  },
  {
    name: 'kem-coefficient-range',
    why: 'a malformed key passes, which FIPS 203 forbids since it may give the message away',
    file: `${crypto}/kem768.ts`,
    find: 'polynomial.every((coefficient) => coefficient < q)',
    put: 'polynomial.every((coefficient) => coefficient <= q)',
    killedBy: {
      file: `${crypto}/kem768.test.ts`,
      test: 'refuses a vector with a coefficient of q or more, even under the right hash',
    },
  },
  {
    name: 'spqr-epoch-label',
    why: 'conversations with any other implementation end with the first epoch',
    file: `${crypto}/spqr-authenticator.ts`,
    find: 'Signal_PQCKA_V1_MLKEM768:SCKA Key',
    put: 'Signal_PQCKA_V1_MLKEM768:SCKA key',
    killedBy: oracle,
  },
  {
    name: 'spqr-authenticator-not-renewed',
    why: 'one stolen key vouches for every epoch to come',
    file: `${crypto}/spqr-authenticator.ts`,
    find: 'return { root: derived.slice(0, 32), macKey: derived.slice(32) }',
    put: 'return { root, macKey: derived.slice(32) }',
    killedBy: oracle,
  },
  {
    name: 'spqr-label-with-one-space',
    why: 'no message passes to or from any other implementation',
    file: `${crypto}/spqr-chain.ts`,
    find: 'Signal PQ Ratchet V1 Chain  Start',
    put: 'Signal PQ Ratchet V1 Chain Start',
    killedBy: oracle,
  },
  {
    name: 'spqr-old-epochs-kept',
    why: 'keys of messages from long ago lie about, ever more of them',
    file: `${crypto}/spqr-chain.ts`,
    find: 'const kept = chain.epochs.filter((older) => older.epoch >= oldest)',
    put: 'const kept = chain.epochs',
    killedBy: {
      file: spqr,
      test: 'epochs further back than that are forgotten, with their skipped keys',
    },
  },
  {
    name: 'spqr-sending-keys-kept',
    why: 'who takes the device can read what it sent in older epochs',
    file: `${crypto}/spqr-chain.ts`,
    find: 'return entry.epoch < epoch && entry.sending ? { ...entry, sending: undefined } : entry',
    put: 'return entry',
    killedBy: { file: spqr, test: 'no key to send with is left of an epoch that is over' },
  },
  {
    name: 'spqr-used-key-kept',
    why: 'the post-quantum half of a late message can be used again',
    file: `${crypto}/spqr-chain.ts`,
    find: 'const skipped = concatBytes(chain.skipped.subarray(0, at), chain.skipped.subarray(end))',
    put: 'const { skipped } = chain',
    killedBy: { file: spqr, test: '2,000 skipped keys are kept, and the older ones are gone' },
  },
  {
    name: 'spqr-jump-limit',
    why: 'one forged index costs a phone minutes',
    file: `${crypto}/spqr-chain.ts`,
    find: 'if (name.index - entry.receiving.count > jumpMax) {',
    put: 'if (name.index > jumpMax * 2) {',
    killedBy: { file: spqr, test: 'a receiver derives 25,000 keys ahead and not one more' },
  },
  {
    name: 'spqr-skipped-unbounded',
    why: 'a peer makes the store grow without end, epoch by epoch',
    file: `${crypto}/spqr-chain.ts`,
    find: 'return all.slice(Math.max(0, all.length - SKIPPED_KEYS_MAX * SKIPPED_ENTRY_BYTES))',
    put: 'return all',
    killedBy: { file: spqr, test: 'the bound on skipped keys is one for all epochs' },
  },
  {
    name: 'spqr-epoch-skipped',
    why: 'a forged number moves a device to an epoch that never was, and all that follows is lost',
    file: `${crypto}/spqr-braid.ts`,
    find: "braid.step.at !== 'ct2-sampled' || epoch !== braid.epoch + 1",
    put: "braid.step.at !== 'ct2-sampled'",
    killedBy: {
      file: spqr,
      test: 'nobody moves a party to the next epoch before its time, or beyond it',
    },
  },
  {
    name: 'spqr-acknowledgement-lost',
    why: 'a message that comes late stops the renewal of keys for ever',
    file: `${crypto}/spqr-encapsulator.ts`,
    find: "const acknowledged = step.acknowledged || payload.type !== 'vector'",
    put: "const acknowledged = payload.type !== 'vector'",
    killedBy: {
      file: spqr,
      test: 'an acknowledgement stands when a message from before it comes late',
    },
  },
  {
    name: 'erasure-chunk-number',
    why: 'a chunk of a number that there is not is taken for the first',
    file: `${crypto}/spqr-message.ts`,
    find: 'if (index >= CHUNK_COUNT_MAX)',
    put: 'if (index > CHUNK_COUNT_MAX)',
    killedBy: { file: spqr, test: 'a chunk of number 65,536' },
  },
  {
    name: 'erasure-chunk-counted-twice',
    why: 'a chunk that comes twice makes a key of garbage, and the session breaks',
    file: `${crypto}/erasure.ts`,
    find: 'if (readIndex(chunks, at) === chunk.index) return chunks',
    put: 'if (readIndex(chunks, at) === chunk.index && at > chunk.index) return chunks',
    killedBy: {
      file: `${crypto}/erasure.test.ts`,
      test: 'counts a chunk that comes again once, and keeps no more than it needs',
    },
  },
  {
    name: 'erasure-field',
    why: 'on a lossy line no other implementation can put our keys together',
    file: `${crypto}/erasure-field.ts`,
    find: 'const MODULUS = 0x1100b',
    put: 'const MODULUS = 0x1002d',
    killedBy: {
      file: `${crypto}/erasure.test.ts`,
      test: 'multiplies as polynomials modulo 0x1100b do',
    },
  },
]
