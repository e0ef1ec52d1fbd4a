// What @parley/crypto has for browsers: exported as @parley/crypto/browser.

export { browserAesGcm } from './aes-gcm.browser.ts'
export { browserCurve } from './curve.browser.ts'
