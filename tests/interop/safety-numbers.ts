// The same safety numbers on both sides: the digits, and what the QR code holds.

import { equalBytes, generateKeyPair, safetyNumber } from '@parley/crypto'
import { fromBase64, toBase64 } from './bytes.ts'
import type { Oracle } from './oracle-link.ts'
import { Dice } from './random.ts'

/** Stream of a seed for the keys compared. */
const STREAM = 2_000_000

export interface SafetyNumbers {
  compared: number
  problems: string[]
}

export async function compareSafetyNumbers(
  oracle: Oracle,
  { count, seed }: { count: number; seed: number },
): Promise<SafetyNumbers> {
  const { bytes } = new Dice(seed, STREAM)
  const problems: string[] = []
  for (let round = 0; round < count; round++) {
    const ids = { localId: bytes(16), remoteId: bytes(16) }
    const localKey = generateKeyPair(bytes).publicKey
    const remoteKey = generateKeyPair(bytes).publicKey
    const ours = safetyNumber({ ...ids, localKey, remoteKey })
    const theirs = await oracle.ask({
      op: 'fingerprint',
      localId: toBase64(ids.localId),
      localKey: toBase64(localKey),
      remoteId: toBase64(ids.remoteId),
      remoteKey: toBase64(remoteKey),
    })
    const isSame = equalBytes(ours.scannable, fromBase64(theirs.scannable))
    if (ours.digits !== theirs.digits || !isSame) {
      problems.push(`seed ${seed}: safety number ${round} is not the official one`)
    }
  }
  return { compared: count, problems }
}
