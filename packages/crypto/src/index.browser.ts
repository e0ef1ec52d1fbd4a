// What @parley/crypto has for browsers: exported as @parley/crypto/browser.

export { browserCurve } from './curve.browser.ts'
