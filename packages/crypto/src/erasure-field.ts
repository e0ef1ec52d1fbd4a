// Arithmetic in GF(2^16) modulo x^16 + x^12 + x^3 + x + 1, by tables of logarithms to the base x.
// The symbols of the erasure code of SPQR live in this field. Only public bytes go through it, so
// the tables leak nothing.

const MODULUS = 0x1100b
const ORDER = 0xffff

/**
 * `POWERS[i]` is x^i; twice as long as the group, so that a sum of two logarithms needs no modulo.
 */
const POWERS = new Uint16Array(2 * ORDER)
const LOGARITHMS = new Uint16Array(ORDER + 1)

for (let exponent = 0, power = 1; exponent < ORDER; exponent++) {
  POWERS[exponent] = power
  POWERS[exponent + ORDER] = power
  LOGARITHMS[power] = exponent
  power <<= 1
  if (power > ORDER) power ^= MODULUS
}

/** Of a non-zero element. */
export function logarithm(element: number): number {
  return LOGARITHMS[element] ?? 0
}

/** Brings any sum or difference of logarithms back to 0..65534. */
export function reduceLogarithm(sum: number): number {
  const remainder = sum % ORDER
  return remainder < 0 ? remainder + ORDER : remainder
}

/** x^factorLogarithm · element, for any element and a reduced logarithm. */
export function multiplyByPower(factorLogarithm: number, element: number): number {
  return element === 0 ? 0 : (POWERS[factorLogarithm + logarithm(element)] ?? 0)
}
