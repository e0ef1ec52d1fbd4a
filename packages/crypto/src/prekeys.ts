// Making the prekeys that a device publishes, and checking those that another one published.

import type { Curve25519 } from './curve.ts'
import { isUint32 } from './encode.ts'
import { CryptoError } from './errors.ts'
import { generateKeyPair, type KeyPair, sign } from './keys.ts'
import { generateKyberKeyPair, KYBER_PUBLIC_KEY_BYTES } from './kyber1024.ts'
import type { RandomBytes } from './primitives.ts'
import { isPublicKey, verifyWith } from './signatures.ts'
import type { KyberPreKey, OneTimePreKey, PreKeyBundle, SignedPreKey } from './types.ts'

export interface SignedPreKeyInput {
  identity: KeyPair
  id: number
  random: RandomBytes
}

/** Its signature is made here too. `id` has 32 bits: `invalid-argument` otherwise. */
export function generateSignedPreKey({ identity, id, random }: SignedPreKeyInput): SignedPreKey {
  checkId(id)
  const pair = generateKeyPair(random)
  return { id, ...pair, signature: sign(identity.privateKey, pair.publicKey, random) }
}

/** Kyber-1024 as of round 3, which is what PQXDH is deployed with; signed likewise. */
export function generateKyberPreKey({ identity, id, random }: SignedPreKeyInput): KyberPreKey {
  checkId(id)
  const pair = generateKyberKeyPair(random)
  return { id, ...pair, signature: sign(identity.privateKey, pair.publicKey, random) }
}

/** Unsigned, as PQXDH has it (section 3.2). */
export function generateOneTimePreKey({
  id,
  random,
}: {
  id: number
  random: RandomBytes
}): OneTimePreKey {
  checkId(id)
  return { id, ...generateKeyPair(random) }
}

function checkId(id: number): void {
  if (!isUint32(id)) throw new CryptoError('invalid-argument', 'a prekey id has 32 bits')
}

/**
 * Rejects with `invalid-key` unless every key and id is well-formed, and with `invalid-signature`
 * unless the identity key signed both signed prekeys (PQXDH, section 3.3).
 */
export async function checkBundle(bundle: PreKeyBundle, curve: Curve25519): Promise<void> {
  const { identityKey, signedPreKey, kyberPreKey, oneTimePreKey } = bundle
  const curveKeys = [identityKey, signedPreKey.publicKey]
  if (oneTimePreKey !== undefined) curveKeys.push(oneTimePreKey.publicKey)
  const ids = [signedPreKey.id, kyberPreKey.id, oneTimePreKey?.id ?? 0]
  if (!ids.every(isUint32)) throw new CryptoError('invalid-key', 'the bundle holds an unusable id')
  if (!curveKeys.every(isPublicKey) || kyberPreKey.publicKey.length !== KYBER_PUBLIC_KEY_BYTES) {
    throw new CryptoError('invalid-key', 'the bundle holds an unusable key')
  }
  for (const { publicKey, signature } of [signedPreKey, kyberPreKey]) {
    if (!(await verifyWith(curve, identityKey, publicKey, signature))) {
      throw new CryptoError('invalid-signature', 'the identity key did not sign this prekey')
    }
  }
}
