// PQXDH: how two devices come by their first common secrets, out of identity keys, prekeys and a
// Kyber encapsulation. The initiator's and the responder's halves of one key agreement.

import { concatBytes, utf8 } from './bytes.ts'
import type { Curve25519 } from './curve.ts'
import type { KeyPair } from './keys.ts'
import { kyberDecapsulate } from './kyber1024.ts'
import { hkdfSha256 } from './primitives.ts'
import type { NamedPreKeys, PreKeyBundle } from './types.ts'

/** Names curve, hash and KEM: PQXDH, section 2.2, in libsignal's spelling. */
const INFO = utf8('WhisperText_X25519_SHA-256_CRYSTALS-KYBER-1024')
/** F of PQXDH, section 2.2: no key of X25519 is encoded so. */
const DISCONTINUITY = new Uint8Array(32).fill(0xff)

export interface HandshakeSecrets {
  rootKey: Uint8Array
  /** First sending chain of the responder, whose ratchet key is the signed prekey. */
  chainKey: Uint8Array
  /** Authenticates the post-quantum ratchet. */
  authKey: Uint8Array
}

export interface InitiatorKeys {
  identity: KeyPair
  base: KeyPair
  bundle: PreKeyBundle
  kyberSecret: Uint8Array
  curve: Curve25519
}

/** PQXDH, section 3.3: DH1 to DH3, DH4 with a one-time prekey, and the shared secret of Kyber. */
export async function initiatorSecrets(keys: InitiatorKeys): Promise<HandshakeSecrets> {
  const { identity, base, bundle, kyberSecret, curve } = keys
  const signedKey = bundle.signedPreKey.publicKey
  const parts = [
    await curve.agree(identity.privateKey, signedKey),
    await curve.agree(base.privateKey, bundle.identityKey),
    await curve.agree(base.privateKey, signedKey),
  ]
  if (bundle.oneTimePreKey !== undefined) {
    parts.push(await curve.agree(base.privateKey, bundle.oneTimePreKey.publicKey))
  }
  return derive(parts, kyberSecret)
}

export interface ResponderKeys {
  identity: KeyPair
  prekeys: NamedPreKeys
  theirIdentity: Uint8Array
  theirBase: Uint8Array
  kyberCiphertext: Uint8Array
  curve: Curve25519
}

/** PQXDH, section 3.4: the same from the other side. */
export async function responderSecrets(keys: ResponderKeys): Promise<HandshakeSecrets> {
  const { identity, prekeys, theirIdentity, theirBase, curve } = keys
  const parts = [
    await curve.agree(prekeys.signed.privateKey, theirIdentity),
    await curve.agree(identity.privateKey, theirBase),
    await curve.agree(prekeys.signed.privateKey, theirBase),
  ]
  if (prekeys.oneTime !== undefined) {
    parts.push(await curve.agree(prekeys.oneTime.privateKey, theirBase))
  }
  return derive(parts, kyberDecapsulate(prekeys.kyber.privateKey, keys.kyberCiphertext))
}

function derive(parts: readonly Uint8Array[], kyberSecret: Uint8Array): HandshakeSecrets {
  const secret = concatBytes(DISCONTINUITY, ...parts, kyberSecret)
  const keys = hkdfSha256({ secret, salt: undefined, info: INFO, length: 96 })
  return {
    rootKey: keys.subarray(0, 32),
    chainKey: keys.subarray(32, 64),
    authKey: keys.subarray(64),
  }
}
