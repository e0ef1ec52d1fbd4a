// ML-KEM-768 in the steps that the ML-KEM Braid needs: the first and larger part of a ciphertext is
// made from the header of an encapsulation key alone, the second once the rest of the key is there.
// Together they are the ciphertext of FIPS 203, byte for byte (K-PKE.Encrypt, Algorithm 14).

import { genCrystals, XOF128 } from '@noble/post-quantum/_crystals.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { concatBytes, equalBytes } from './bytes.ts'
import { sha3_256, sha3_512, shake256 } from './primitives.ts'

/** The random bytes d and z of FIPS 203, from which the whole key pair follows. */
export const KEM_SEED_BYTES = 64
/** The seed of the matrix and the hash of the encapsulation key. */
export const KEM_HEADER_BYTES = 64
export const KEM_VECTOR_BYTES = 1152
export const KEM_CT1_BYTES = 960
export const KEM_CT2_BYTES = 128
/** The message and the coins of an encapsulation under way. */
export const KEM_PENDING_BYTES = 64
export const KEM_MESSAGE_BYTES = 32

const n = 256
const q = 3329
const rank = 3

type Polynomial = Uint16Array

const { mod, nttZetas, NTT, bitsCoder } = genCrystals<Uint16Array>({
  newPoly: (length) => new Uint16Array(length),
  N: n,
  Q: q,
  F: 3303,
  ROOT_OF_UNITY: 17,
  brvBits: 7,
  isKyber: true,
})

const identity = (coefficient: number) => coefficient
const coder12 = bitsCoder(12, { encode: identity, decode: identity })
const coder10 = bitsCoder(10, { encode: (c) => compress(c, 10), decode: identity })
const coder4 = bitsCoder(4, { encode: (c) => compress(c, 4), decode: identity })

export interface KemPublicKey {
  header: Uint8Array
  vector: Uint8Array
}

export interface Encapsulation {
  ct1: Uint8Array
  pending: Uint8Array
  sharedSecret: Uint8Array
}

export function kemPublicKey(seed: Uint8Array): KemPublicKey {
  const { publicKey, secretKey } = ml_kem768.keygen(seed)
  secretKey.fill(0)
  const header = concatBytes(publicKey.subarray(KEM_VECTOR_BYTES), sha3_256(publicKey))
  return { header, vector: publicKey.slice(0, KEM_VECTOR_BYTES) }
}

/** The key checks of FIPS 203, section 7.2, and that the vector is the one the header speaks of. */
export function isVectorOf(header: Uint8Array, vector: Uint8Array): boolean {
  if (header.length !== KEM_HEADER_BYTES || vector.length !== KEM_VECTOR_BYTES) return false
  const hash = sha3_256(concatBytes(vector, header.subarray(0, 32)))
  if (!equalBytes(hash, header.subarray(32))) return false
  return readVector(vector).every((polynomial) =>
    polynomial.every((coefficient) => coefficient < q),
  )
}

/** `message` is 32 fresh random bytes. */
export function encapsulateFirst(header: Uint8Array, message: Uint8Array): Encapsulation {
  const derived = sha3_512(concatBytes(message, header.subarray(32)))
  const coins = derived.subarray(32)
  const secrets = secretVector(coins)
  const matrix = XOF128(header.subarray(0, 32))
  const parts: Uint8Array[] = []
  for (let i = 0; i < rank; i++) {
    const sum = new Uint16Array(n)
    for (let j = 0; j < rank; j++) {
      addProduct(sum, sampleUniform(matrix.get(i, j)), polynomialAt(secrets, j))
    }
    const u = NTT.decode(sum)
    add(u, sampleSmall(coins, rank + i))
    parts.push(coder10.encode(u))
  }
  for (const secret of secrets) secret.fill(0)
  return {
    ct1: concatBytes(...parts),
    pending: concatBytes(message, coins),
    sharedSecret: derived.slice(0, 32),
  }
}

/** `vector` has passed `isVectorOf` with the header that `pending` came from. */
export function encapsulateSecond(pending: Uint8Array, vector: Uint8Array): Uint8Array {
  const message = pending.subarray(0, 32)
  const coins = pending.subarray(32)
  const secrets = secretVector(coins)
  const sum = new Uint16Array(n)
  for (const [i, polynomial] of readVector(vector).entries()) {
    addProduct(sum, polynomial, polynomialAt(secrets, i))
  }
  const v = NTT.decode(sum)
  add(v, sampleSmall(coins, 2 * rank))
  add(v, spreadMessage(message))
  for (const secret of secrets) secret.fill(0)
  return coder4.encode(v)
}

/** Never fails: a ciphertext of nobody's gives a secret that nobody knows (implicit rejection). */
export function decapsulate(seed: Uint8Array, ct1: Uint8Array, ct2: Uint8Array): Uint8Array {
  const { secretKey } = ml_kem768.keygen(seed)
  const sharedSecret = ml_kem768.decapsulate(concatBytes(ct1, ct2), secretKey)
  secretKey.fill(0)
  return sharedSecret
}

function polynomialAt(polynomials: readonly Polynomial[], i: number): Polynomial {
  const polynomial = polynomials[i]
  if (polynomial === undefined) throw new RangeError(`no polynomial ${i}`)
  return polynomial
}

function readVector(vector: Uint8Array): Polynomial[] {
  const part = KEM_VECTOR_BYTES / rank
  return Array.from({ length: rank }, (_, i) =>
    coder12.decode(vector.subarray(i * part, (i + 1) * part)),
  )
}

/** The vector r of Algorithm 14, in the transform domain. */
function secretVector(coins: Uint8Array): Polynomial[] {
  return Array.from({ length: rank }, (_, i) => NTT.encode(sampleSmall(coins, i)))
}

/** Compress_d; the coder that calls it takes the low d bits. */
function compress(coefficient: number, bits: number): number {
  return Math.floor(((coefficient << bits) + (q >> 1)) / q)
}

/** Decompress_1: each bit becomes 0 or half of q, rounded up, without a branch on the bit. */
function spreadMessage(message: Uint8Array): Polynomial {
  const polynomial = new Uint16Array(n)
  for (let i = 0; i < n; i++) {
    const bit = ((message[i >> 3] ?? 0) >> (i & 7)) & 1
    polynomial[i] = -bit & ((q + 1) >> 1)
  }
  return polynomial
}

/** SamplePolyCBD with eta 2 of PRF(coins, nonce): Algorithm 8. */
function sampleSmall(coins: Uint8Array, nonce: number): Polynomial {
  const bytes = shake256(concatBytes(coins, Uint8Array.of(nonce)), { dkLen: n / 2 })
  const polynomial = new Uint16Array(n)
  for (let i = 0; i < n; i++) {
    const four = (bytes[i >> 1] ?? 0) >> (4 * (i & 1))
    const ones = (four & 1) + ((four >> 1) & 1) - ((four >> 2) & 1) - ((four >> 3) & 1)
    polynomial[i] = mod(ones)
  }
  return polynomial
}

/** SampleNTT: Algorithm 7. Rejection makes its time vary, with public bytes only. */
function sampleUniform(nextBlock: () => Uint8Array): Polynomial {
  const polynomial = new Uint16Array(n)
  for (let filled = 0; filled < n; ) {
    const block = nextBlock()
    for (let at = 0; at + 2 < block.length && filled < n; at += 3) {
      const three = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8) | ((block[at + 2] ?? 0) << 16)
      const low = three & 0xfff
      const high = three >> 12
      if (low < q) polynomial[filled++] = low
      if (high < q && filled < n) polynomial[filled++] = high
    }
  }
  return polynomial
}

function add(target: Polynomial, other: Polynomial): void {
  for (let i = 0; i < n; i++) target[i] = mod((target[i] ?? 0) + (other[i] ?? 0))
}

/** target += a · b in the transform domain: Algorithms 11 and 12. */
function addProduct(target: Polynomial, a: Polynomial, b: Polynomial): void {
  for (let i = 0; i < n; i += 2) {
    const root = nttZetas[64 + (i >> 2)] ?? 0
    const gamma = (i & 2) === 0 ? root : q - root
    const [a0, a1, b0, b1] = [a[i] ?? 0, a[i + 1] ?? 0, b[i] ?? 0, b[i + 1] ?? 0]
    target[i] = mod((target[i] ?? 0) + a0 * b0 + mod(a1 * b1) * gamma)
    target[i + 1] = mod((target[i + 1] ?? 0) + a0 * b1 + a1 * b0)
  }
}
