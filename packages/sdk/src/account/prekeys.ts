/**
 * The device's own prekeys: made in batches, committed before the server hears of them, refilled
 * and rotated (E9).
 */
import { generateKyberPreKey, generateOneTimePreKey, generateSignedPreKey } from '@parley/crypto'
import type { KeyPair, KyberPreKey, OneTimePreKey, SignedPreKey } from '@parley/crypto'
import { toBase64 } from '@parley/wire'
import type { PreKeyUpload } from '@parley/wire'
import type { RandomBytes } from '../platform/ports.ts'

export interface PreKeyBatch {
  signed: SignedPreKey
  /** Last resort. */
  kyber: KyberPreKey
  oneTime: OneTimePreKey[]
  oneTimeKyber: KyberPreKey[]
}

export interface PreKeyCountsWanted {
  oneTime: number
  oneTimeKyber: number
}

/**
 * `firstId`: ids run upwards from it (takePreKeyIds of store/prekeys.ts); makes 2 + both counts of
 * keys.
 */
export function makePreKeys(options: {
  identity: KeyPair
  firstId: number
  wanted: PreKeyCountsWanted
  random: RandomBytes
}): PreKeyBatch {
  const { identity, wanted, random } = options
  let id = options.firstId
  return {
    signed: generateSignedPreKey({ identity, id: id++, random }),
    kyber: generateKyberPreKey({ identity, id: id++, random }),
    oneTime: Array.from({ length: wanted.oneTime }, () =>
      generateOneTimePreKey({ id: id++, random }),
    ),
    oneTimeKyber: Array.from({ length: wanted.oneTimeKyber }, () =>
      generateKyberPreKey({ identity, id: id++, random }),
    ),
  }
}

export function uploadOf(batch: PreKeyBatch, registrationId: number): PreKeyUpload {
  return {
    registration_id: registrationId,
    signed_prekey: signedJson(batch.signed),
    kyber_prekey: signedJson(batch.kyber),
    one_time_prekeys: batch.oneTime.map((key) => ({
      id: key.id,
      public_key: toBase64(key.publicKey),
    })),
    one_time_kyber_prekeys: batch.oneTimeKyber.map(signedJson),
  }
}

function signedJson(key: SignedPreKey | KyberPreKey) {
  return {
    id: key.id,
    public_key: toBase64(key.publicKey),
    signature: toBase64(key.signature),
  }
}
