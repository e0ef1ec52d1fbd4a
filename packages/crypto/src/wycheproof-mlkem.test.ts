// ML-KEM against Wycheproof: the library as a whole, the steps of kem768.ts, and Kyber-1024 of
// round 3, whose secret follows from that of ML-KEM-1024.

import { describe, expect, test } from 'bun:test'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { concatBytes, toHex } from './bytes.ts'
import {
  decapsulate,
  encapsulateFirst,
  encapsulateSecond,
  isVectorOf,
  KEM_CT1_BYTES,
  kemPublicKey,
} from './kem768.ts'
import { kyberDecapsulate, kyberEncapsulate } from './kyber1024.ts'
import { ml_kem1024, sha3_256, shake256 } from './primitives.ts'
import { fromHex, readWycheproof } from './vectors.fixture.ts'
import { type Outcome, judge, orRefused, orRefusedWith, type Vector } from './wycheproof.fixture.ts'

interface KeyVector extends Vector {
  seed: string
  ek: string
  dk: string
}
interface EncapsulationVector extends Vector {
  ek: string
  m: string
  c: string
  K: string
}
interface DecapsulationVector extends Vector {
  seed: string
  c: string
  K: string
}
interface ExpandedVector extends Vector {
  dk: string
  c: string
  K?: string
}

const parameterSets = [
  { name: '768', kem: ml_kem768, encapsulations: 265 },
  { name: '1024', kem: ml_kem1024, encapsulations: 269 },
] as const

const secretOrRefused = ({ result, K }: { result: string; K?: string }): Outcome =>
  result === 'valid' ? (K ?? '') : 'refused'

describe.each(parameterSets)('ML-KEM-$name of the library', ({ name, kem, encapsulations }) => {
  test('makes the keys of 100 seeds', async () => {
    const verdict = await judge(readWycheproof<KeyVector>(`mlkem_${name}_keygen_seed`), {
      outcome: ({ seed }) => {
        const { publicKey, secretKey } = kem.keygen(fromHex(seed))
        return `${toHex(publicKey)} ${toHex(secretKey)}`
      },
      wanted: ({ ek, dk }) => `${ek} ${dk}`,
    })
    expect(verdict).toEqual({ right: 100, wrong: [] })
  })

  test(`encapsulates, or refuses the key: ${encapsulations} vectors`, async () => {
    const verdict = await judge(readWycheproof<EncapsulationVector>(`mlkem_${name}_encaps`), {
      outcome: ({ ek, m }) =>
        orRefused(() => {
          const { cipherText, sharedSecret } = kem.encapsulate(fromHex(ek), fromHex(m))
          return `${toHex(cipherText)} ${toHex(sharedSecret)}`
        }),
      wanted: ({ result, c, K }) => (result === 'valid' ? `${c} ${K}` : 'refused'),
    })
    expect(verdict).toEqual({ right: encapsulations, wrong: [] })
  })

  test('decapsulates with the key of a seed: 193 vectors, implicit rejection included', async () => {
    const verdict = await judge(readWycheproof<DecapsulationVector>(`mlkem_${name}`), {
      outcome: ({ seed, c }) =>
        orRefused(() => {
          const { secretKey } = kem.keygen(fromHex(seed))
          return toHex(kem.decapsulate(fromHex(c), secretKey))
        }),
      wanted: secretOrRefused,
    })
    expect(verdict).toEqual({ right: 193, wrong: [] })
  })

  test('decapsulates with a stored key, or refuses it: 9 vectors', async () => {
    const vectors = readWycheproof<ExpandedVector>(`mlkem_${name}_semi_expanded_decaps`)
    const verdict = await judge(vectors, {
      outcome: ({ dk, c }) => orRefused(() => toHex(kem.decapsulate(fromHex(c), fromHex(dk)))),
      wanted: secretOrRefused,
    })
    expect(verdict).toEqual({ right: 9, wrong: [] })
  })
})

describe('ML-KEM-768 in steps', () => {
  test('makes the public keys of 100 seeds', async () => {
    const verdict = await judge(readWycheproof<KeyVector>('mlkem_768_keygen_seed'), {
      outcome: ({ seed }) => {
        const { header, vector } = kemPublicKey(fromHex(seed))
        return `${toHex(vector)}${toHex(header)}`
      },
      wanted: ({ ek }) => `${ek}${toHex(sha3_256(fromHex(ek)))}`,
    })
    expect(verdict).toEqual({ right: 100, wrong: [] })
  })

  test('encapsulates to the 133 valid keys and takes none of the 132 others', async () => {
    const verdict = await judge(readWycheproof<EncapsulationVector>('mlkem_768_encaps'), {
      outcome: ({ ek, m }) => {
        const { header, vector } = partsOf(fromHex(ek))
        if (!isVectorOf(header, vector)) return 'refused'
        const { ct1, pending, sharedSecret } = encapsulateFirst(header, fromHex(m))
        return `${toHex(ct1)}${toHex(encapsulateSecond(pending, vector))} ${toHex(sharedSecret)}`
      },
      wanted: ({ result, c, K }) => (result === 'valid' ? `${c} ${K}` : 'refused'),
    })
    expect(verdict).toEqual({ right: 265, wrong: [] })
  })

  test('decapsulates with the key of a seed: 193 vectors, implicit rejection included', async () => {
    const verdict = await judge(readWycheproof<DecapsulationVector>('mlkem_768'), {
      outcome: ({ seed, c }) => {
        const [ct1, ct2] = [c.slice(0, 2 * KEM_CT1_BYTES), c.slice(2 * KEM_CT1_BYTES)]
        return orRefused(() => toHex(decapsulate(fromHex(seed), fromHex(ct1), fromHex(ct2))))
      },
      wanted: secretOrRefused,
    })
    expect(verdict).toEqual({ right: 193, wrong: [] })
  })
})

describe('Kyber-1024 of round 3', () => {
  test('[E3] encapsulates to the 133 valid keys and refuses the 136 others', async () => {
    const random = (length: number) => new Uint8Array(length)
    const verdict = await judge(readWycheproof<EncapsulationVector>('mlkem_1024_encaps'), {
      outcome: ({ ek }) =>
        orRefusedWith('invalid-key', () => {
          kyberEncapsulate(typed(ek), random)
          return 'taken'
        }),
      wanted: ({ result }) => (result === 'valid' ? 'taken' : 'refused'),
    })
    expect(verdict).toEqual({ right: 269, wrong: [] })
  })

  test('decapsulates to what follows from the secret of ML-KEM: 173 vectors', async () => {
    const bySeed = readWycheproof<DecapsulationVector>('mlkem_1024')
      .filter(({ seed }) => seed.length === 128)
      .map((vector) => ({
        ...vector,
        dk: toHex(ml_kem1024.keygen(fromHex(vector.seed)).secretKey),
      }))
    const verdict = await judge<ExpandedVector>(bySeed, kyberTrial)
    expect(verdict).toEqual({ right: 173, wrong: [] })
  })

  test('decapsulates with a stored key, or refuses it: 9 vectors', async () => {
    const vectors = readWycheproof<ExpandedVector>('mlkem_1024_semi_expanded_decaps')
    expect(await judge(vectors, kyberTrial)).toEqual({ right: 9, wrong: [] })
  })
})

const kyberTrial = {
  outcome: ({ dk, c }: ExpandedVector) =>
    orRefusedWith('invalid-key', () => toHex(kyberDecapsulate(fromHex(dk), typed(c)))),
  wanted: ({ result, c, K }: ExpandedVector) =>
    result === 'valid'
      ? toHex(shake256(concatBytes(fromHex(K ?? ''), sha3_256(fromHex(c))), { dkLen: 32 }))
      : 'refused',
}

/** The Braid sends the last 32 bytes of an encapsulation key first, with the hash of the key. */
function partsOf(encapsulationKey: Uint8Array): { header: Uint8Array; vector: Uint8Array } {
  const end = Math.max(0, encapsulationKey.length - 32)
  const matrixSeed = encapsulationKey.subarray(end)
  const header = concatBytes(matrixSeed, sha3_256(encapsulationKey))
  return { header, vector: encapsulationKey.subarray(0, end) }
}

function typed(hex: string): Uint8Array {
  return fromHex(`08${hex}`)
}
