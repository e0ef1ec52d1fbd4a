// What @parley/crypto has for Bun and Node: exported as @parley/crypto/bun.

export { bunAesGcm } from './aes-gcm.bun.ts'
export { bunCurve } from './curve.bun.ts'
