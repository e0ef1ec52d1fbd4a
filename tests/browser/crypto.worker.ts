/** Judges Curve25519 in this browser by Wycheproof's vectors, and tells the page the verdicts. */
import { browserCurve } from '@parley/crypto/browser'
import { type Curve25519, nobleCurve } from '../../packages/crypto/src/curve.ts'
import {
  type Ed25519Vector,
  ed25519Trial,
  type X25519Vector,
  x25519Trial,
} from '../../packages/crypto/src/curve-trials.fixture.ts'
import { judge, type Verdict, vectorsOf } from '../../packages/crypto/src/wycheproof.fixture.ts'
import ed25519 from '../../vectors/wycheproof/ed25519_test.json'
import x25519 from '../../vectors/wycheproof/x25519_test.json'

export interface CurveReport {
  x25519: Verdict
  ed25519: Verdict
}

async function report(curve: Curve25519): Promise<CurveReport> {
  return {
    x25519: await judge(vectorsOf<X25519Vector>(x25519), x25519Trial(curve)),
    ed25519: await judge(vectorsOf<Ed25519Vector>(ed25519), ed25519Trial(curve)),
  }
}

const native = await browserCurve()
postMessage({
  native: native === undefined ? 'missing' : await report(native),
  reference: await report(nobleCurve),
})
