// What @parley/crypto has for Bun and Node: exported as @parley/crypto/bun.

export { bunCurve } from './curve.bun.ts'
