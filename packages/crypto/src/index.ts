// The public face of @parley/crypto: the Signal protocol as pure functions. Each is documented
// where it is defined; the README shows a session from beginning to end.

// Sessions with one device: PQXDH, Double Ratchet, SPQR.
export { archiveSession, createSession, encryptMessage, hasUsableSession } from './sessions.ts'
export { decryptMessage, decryptPreKeyMessage, readPreKeyMessage } from './receiving.ts'
export { pad, unpad } from './padding.ts'
export type * from './types.ts'

// Sender keys: one ciphertext for all members of a group.
export {
  acceptSenderKey,
  createSenderKey,
  decryptGroupMessage,
  encryptGroupMessage,
  type GroupDecrypted,
  type GroupEncrypted,
  readGroupMessage,
  readSenderKeyDistribution,
  type SenderKeyHeader,
  type SenderKeyRecord,
  senderKeyDistribution,
} from './sender-keys.ts'

// Keys and signatures, and what accounts are known by.
export { generateKeyPair, type KeyPair, sign } from './keys.ts'
export { isPublicKey, verify } from './signatures.ts'
export { generateKyberPreKey, generateOneTimePreKey, generateSignedPreKey } from './prekeys.ts'
export { newRecoveryKey, parseRecoveryKey, rootKeyPair } from './recovery-key.ts'
export {
  matchesScanned,
  type SafetyNumber,
  type SafetyNumberInput,
  safetyNumber,
  type ScannedOutcome,
} from './fingerprint.ts'

// Media: whole, as a stream, or from anywhere.
export {
  MEDIA_CONTEXT,
  type MediaReference,
  type OpenMediaInput,
  openMedia,
  type SealedMedia,
  type SealMediaInput,
  sealMedia,
  verifyMedia,
} from './chunked-media.ts'
export { type ByteSource, openStream, sealStream } from './chunked-streams.ts'
export { type ByteRange, type ChunkKey, type ChunkOpener, createOpener } from './chunked.ts'
export { type OpenerInput, plaintextSize, sealedSize } from './chunked.ts'

// What is passed in, what is thrown, and two tools that callers need too.
export type { AesGcm, AesGcmKey } from './aes-gcm.ts'
export type { Curve25519 } from './curve.ts'
export { type RandomBytes, sha256 } from './primitives.ts'
export { CryptoError, type CryptoErrorCode } from './errors.ts'
export { equalBytes } from './bytes.ts'
