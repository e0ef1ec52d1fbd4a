// The public face of @parley/crypto: the Signal protocol as pure functions.

export type { AesGcm, AesGcmKey } from './aes-gcm.ts'
export { equalBytes } from './bytes.ts'
export {
  type ByteRange,
  type ChunkOpener,
  createOpener,
  type OpenerInput,
  plaintextSize,
  sealedSize,
} from './chunked.ts'
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
export { openStream, sealStream } from './chunked-streams.ts'
export type { Curve25519 } from './curve.ts'
export { CryptoError, type CryptoErrorCode } from './errors.ts'
export {
  matchesScanned,
  type SafetyNumber,
  type SafetyNumberInput,
  safetyNumber,
  type ScannedOutcome,
} from './fingerprint.ts'
export { generateKeyPair, type KeyPair, sign } from './keys.ts'
export { pad, unpad } from './padding.ts'
export { type HkdfInput, hkdfSha256, type RandomBytes, sha256 } from './primitives.ts'
export { generateKyberPreKey, generateOneTimePreKey, generateSignedPreKey } from './prekeys.ts'
export { newRecoveryKey, parseRecoveryKey, rootKeyPair } from './recovery-key.ts'
export { decryptMessage, decryptPreKeyMessage, readPreKeyMessage } from './receiving.ts'
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
export { archiveSession, createSession, encryptMessage, hasUsableSession } from './sessions.ts'
export type {
  Address,
  Decrypted,
  Encrypted,
  KyberPreKey,
  LocalIdentity,
  NamedPreKeys,
  OneTimePreKey,
  Parties,
  PreKeyBundle,
  PreKeyMessageHeader,
  SessionRecord,
  SignedPreKey,
  SignedPublicPreKey,
  Surroundings,
} from './types.ts'
