/** Slips in keys, signatures, prekeys and PQXDH. */
import type { Fault } from './fault.ts'

const crypto = 'packages/crypto/src'
const adversary = `${crypto}/adversary.test.ts`
const sessions = `${crypto}/sessions.test.ts`
const signatures = `${crypto}/signatures.test.ts`
const libsignal = {
  file: `${crypto}/libsignal-session.test.ts`,
  test: 'first messages of the official library open, in any order',
}

export const handshakeFaults: readonly Fault[] = [
  {
    name: 'ec-prekey-unsigned',
    why: 'the server swaps the signed prekey and reads the first messages',
    file: `${crypto}/prekeys.ts`,
    find: 'of [signedPreKey, kyberPreKey])',
    put: 'of [kyberPreKey])',
    killedBy: { file: adversary, test: 'a wrong signature of the signed prekey' },
  },
  {
    name: 'kyber-prekey-unsigned',
    why: 'the server swaps the Kyber prekey, and nothing protects from a quantum computer',
    file: `${crypto}/prekeys.ts`,
    find: 'of [signedPreKey, kyberPreKey])',
    put: 'of [signedPreKey])',
    killedBy: { file: adversary, test: 'a wrong signature of the Kyber prekey' },
  },
  {
    name: 'signature-always-true',
    why: 'anybody signs for everybody',
    file: `${crypto}/edwards.ts`,
    find: 'return equalBytes(expected.toBytes(), commitment)',
    put: 'return expected.toBytes().length === commitment.length',
    killedBy: { file: signatures, test: 'verifies what it signed, for keys of either sign bit' },
  },
  {
    name: 'platform-verdict-ignored',
    why: 'with the platform’s Ed25519 any signature passes, and no test on the reference sees it',
    file: `${crypto}/signatures.ts`,
    find: 'return curve.verify(translated.key, message, translated.signature)',
    put: 'await curve.verify(translated.key, message, translated.signature)\n  return true',
    killedBy: {
      file: `${crypto}/curve.test.ts`,
      test: 'judges signatures of XEdDSA as the reference does, whichever bit is flipped',
    },
  },
  {
    name: 'signature-malleable',
    why: 'a signature has a second spelling, so what was seen before passes for new',
    file: `${crypto}/edwards.ts`,
    find: 'const s = littleEndian(signature.subarray(32))',
    put: 'const s = toScalar(signature.subarray(32))',
    killedBy: { file: signatures, test: 'accepts one spelling only: s + L is refused' },
  },
  {
    name: 'sign-bit-lost',
    why: 'half of all devices make prekeys that nobody accepts',
    file: `${crypto}/keys.ts`,
    find: '| ((key[31] ?? 0) & 0x80)',
    put: '| ((key[31] ?? 0) & 0x08)',
    killedBy: { file: signatures, test: 'verifies what it signed, for keys of either sign bit' },
  },
  {
    name: 'nonce-without-message',
    why: 'a generator that repeats itself once gives the identity key away',
    file: `${crypto}/keys.ts`,
    find: 'sha512(concatBytes(HASH_PREFIX, privateKey, message, random(64)))',
    put: 'sha512(concatBytes(HASH_PREFIX, privateKey, random(64)))',
    killedBy: { file: signatures, test: 'never with one nonce for two' },
  },
  {
    name: 'non-canonical-key-accepted',
    why: 'a key has a second spelling, under which a replayed first message looks new',
    file: `${crypto}/signatures.ts`,
    find: 'return u < FIELD_PRIME && !LOW_ORDER.has(u)',
    put: 'return u <= 2n ** 255n && !LOW_ORDER.has(u)',
    killedBy: { file: signatures, test: 'are canonical: neither u + p nor a set top bit passes' },
  },
  {
    name: 'low-order-key-accepted',
    why: 'a key that makes every shared secret known passes for a public key',
    file: `${crypto}/signatures.ts`,
    find: '  FIELD_PRIME - 1n,\n',
    put: '',
    killedBy: {
      file: `${crypto}/wycheproof-curves.test.ts`,
      test: 'a public key passes unless it is of low order or not canonical',
    },
  },
  {
    name: 'torsion-mistaken-for-order',
    why: 'a first message opens again under a base key that is the old one and a small point',
    file: `${crypto}/edwards.ts`,
    find: 'return pointOf(key)?.isTorsionFree() === true',
    put: 'return pointOf(key)?.isSmallOrder() === false',
    killedBy: { file: adversary, test: 'is not let in by another spelling of the base key' },
  },
  {
    name: 'constant-base-key',
    why: 'all sessions that a device starts share a secret',
    file: `${crypto}/sessions.ts`,
    find: 'const base = await generateKeyPairWith(curve, random)',
    put: 'const base = await generateKeyPairWith(curve, (length) => new Uint8Array(length))',
    killedBy: { file: sessions, test: 'uses fresh keys each time it starts' },
  },
  {
    name: 'agreement-order',
    why: 'no session with any other implementation',
    file: `${crypto}/handshake.ts`,
    find: 'concatBytes(DISCONTINUITY, ...parts, kyberSecret)',
    put: 'concatBytes(DISCONTINUITY, ...parts.toReversed(), kyberSecret)',
    killedBy: libsignal,
  },
  {
    name: 'kyber-secret-not-mixed',
    why: 'first messages recorded today open to a quantum computer later',
    file: `${crypto}/handshake.ts`,
    find: 'concatBytes(DISCONTINUITY, ...parts, kyberSecret)',
    put: 'concatBytes(DISCONTINUITY, ...parts)',
    killedBy: libsignal,
  },
  {
    name: 'discontinuity-of-zeros',
    why: 'a handshake can be passed off as a signature of XEdDSA',
    file: `${crypto}/handshake.ts`,
    find: 'new Uint8Array(32).fill(0xff)',
    put: 'new Uint8Array(32)',
    killedBy: libsignal,
  },
  {
    name: 'handshake-label',
    why: 'no session with any other implementation',
    file: `${crypto}/handshake.ts`,
    find: 'WhisperText_X25519_SHA-256_CRYSTALS-KYBER-1024',
    put: 'WhisperText_X25519_SHA-256_ML-KEM-1024',
    killedBy: libsignal,
  },
  {
    name: 'one-time-key-left-out',
    why: 'who answers forgets one of the four agreements, and nobody can be written to',
    file: `${crypto}/handshake.ts`,
    find: 'if (prekeys.oneTime !== undefined)',
    put: 'if (prekeys.oneTime === undefined) return derive(parts, new Uint8Array(32))\n  else',
    killedBy: { file: sessions, test: 'starts with one-time prekey' },
  },
  {
    name: 'kyber-ciphertext-not-hashed',
    why: 'FIPS 203 in place of round 3: no session with any other implementation',
    file: `${crypto}/kyber1024.ts`,
    find: 'concatBytes(secret, sha3_256(ciphertext))',
    put: 'concatBytes(secret, ciphertext)',
    killedBy: libsignal,
  },
  {
    name: 'prekeys-not-compared',
    why: 'a first message is tried with a key that it does not name',
    file: `${crypto}/receiving.ts`,
    find: '    kyber.id === outer.kyberPreKeyId &&\n',
    put: '',
    killedBy: {
      file: sessions,
      test: 'a first message is refused with other prekeys than it names',
    },
  },
  {
    name: 'used-prekeys-denied',
    why: 'one-time prekeys are never deleted, and who takes the device reads old messages',
    file: `${crypto}/receiving.ts`,
    find: 'return { record, plaintext, messageKeyId, usedPreKeys: true }',
    put: 'return { record, plaintext, messageKeyId, usedPreKeys: false }',
    killedBy: {
      file: sessions,
      test: 'says whether it took the prekeys, so that the one-time one can be deleted',
    },
  },
]
