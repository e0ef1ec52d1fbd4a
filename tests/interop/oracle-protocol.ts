// What the driver and the oracle say to each other, as JSON lines: a line in holds an array of
// requests, the line that answers it an array of as many answers. Bytes travel as base64.

import type { Base64 } from './bytes.ts'

/** As `Address` of the crypto package, and the name of a party. */
export interface PartyName {
  account: string
  device: number
}

interface WireSignedPreKey {
  id: number
  publicKey: Base64
  signature: Base64
}

/** `PreKeyBundle` of the crypto package with bytes as base64. */
export interface WireBundle {
  registrationId: number
  identityKey: Base64
  signedPreKey: WireSignedPreKey
  /** Left out only to see whether a version would do without. */
  kyberPreKey: WireSignedPreKey | undefined
  oneTimePreKey: { id: number; publicKey: Base64 } | undefined
}

export type OracleRequest =
  | { op: 'party'; self: PartyName }
  | { op: 'bundle'; self: PartyName; oneTime: boolean }
  | { op: 'connect'; self: PartyName; remote: PartyName; bundle: WireBundle }
  | { op: 'encrypt'; self: PartyName; remote: PartyName; plaintext: Base64 }
  | {
      op: 'decrypt'
      self: PartyName
      remote: PartyName
      type: 'prekey' | 'message'
      ciphertext: Base64
      /** The address it says it has, when that is not the one it was made with. */
      as?: PartyName
    }
  | { op: 'restart'; self: PartyName }
  | { op: 'group-begin'; self: PartyName; distributionId: string }
  | { op: 'group-distribution'; self: PartyName; distributionId: string }
  | { op: 'group-accept'; self: PartyName; sender: PartyName; distribution: Base64 }
  | { op: 'group-encrypt'; self: PartyName; distributionId: string; plaintext: Base64 }
  | { op: 'group-decrypt'; self: PartyName; sender: PartyName; ciphertext: Base64 }
  | { op: 'reveal'; self: PartyName; bundle: WireBundle }
  | {
      op: 'fingerprint'
      localId: Base64
      localKey: Base64
      remoteId: Base64
      remoteKey: Base64
    }

export interface OracleResults {
  party: { identityKey: Base64 }
  bundle: WireBundle
  connect: null
  encrypt: { type: 'prekey' | 'message'; ciphertext: Base64 }
  decrypt: Base64
  restart: null
  /** A new sender key; the one before is forgotten. */
  'group-begin': null
  'group-distribution': Base64
  'group-accept': null
  'group-encrypt': Base64
  'group-decrypt': Base64
  /** The private keys behind a bundle. */
  reveal: { identity: Base64; signed: Base64; kyber: Base64; oneTime: Base64 | undefined }
  fingerprint: { digits: string; scannable: Base64 }
}

/** `refused`: the library's own error, told apart by its name. */
export type OracleAnswer = { result: unknown } | { refused: string }
