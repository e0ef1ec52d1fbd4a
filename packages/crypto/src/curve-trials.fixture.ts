// For tests, in browsers too: what the vectors for the curve ask of a backend.

import { toHex } from './bytes.ts'
import type { Curve25519 } from './curve.ts'
import { fromHex } from './hex.fixture.ts'
import { isFlagged, orRefusedWith, type Trial, type Vector } from './wycheproof.fixture.ts'

export interface X25519Vector extends Vector {
  public: string
  private: string
  shared: string
}

export interface Ed25519Vector extends Vector {
  publicKey: { pk: string }
  msg: string
  sig: string
}

/** Low-order keys are refused; keys that are not canonical lead to the secret of RFC 7748. */
export function x25519Trial(curve: Curve25519): Trial<X25519Vector> {
  return {
    outcome: (vector) =>
      orRefusedWith('invalid-key', async () => {
        const publicKey = fromHex(`05${vector.public}`)
        return toHex(await curve.agree(fromHex(vector.private), publicKey))
      }),
    wanted: (vector) => (isFlagged(vector, 'ZeroSharedSecret') ? 'refused' : vector.shared),
  }
}

export function ed25519Trial(curve: Curve25519): Trial<Ed25519Vector> {
  return {
    outcome: ({ publicKey, msg, sig }) =>
      curve.verify(fromHex(publicKey.pk), fromHex(msg), fromHex(sig)),
    wanted: ({ result }) => result === 'valid',
  }
}
