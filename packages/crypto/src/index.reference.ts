// The reference backends, for where a platform has none and for tests that a seed decides: exported
// as @parley/crypto/reference.

export { nobleAesGcm } from './aes-gcm.ts'
export { nobleCurve } from './curve.ts'
