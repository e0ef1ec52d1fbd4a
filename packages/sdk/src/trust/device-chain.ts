/**
 * How a chain of device lists that the server shows relates to the one that is known (E10). Pure;
 * devices.ts stores what comes of it.
 */
import { equalBytes, sha256, verify } from '@parley/crypto'
import { verifyDeviceList, WireError } from '@parley/wire'
import type { AccountId, SignedDeviceList, VerifiedList } from '@parley/wire'

const listCrypto = { verify, sha256 }

export type ChainCheck =
  | { kind: 'unchanged' }
  /** `added` follow the known list, oldest first. */
  | { kind: 'continues'; added: VerifiedList[] }
  /** A chain from version 1 under a root that was not known. */
  | { kind: 'anew'; added: VerifiedList[] }
  /** It starts somewhere behind the known list: only the whole chain can tell. */
  | { kind: 'incomplete' }
  | { kind: 'refused'; why: string }

export interface KnownChain {
  account: AccountId
  /** The list in force. */
  newest: VerifiedList | undefined
  hashOf(version: number): Uint8Array | undefined
}

export function checkChain(known: KnownChain, shown: readonly SignedDeviceList[]): ChainCheck {
  try {
    return relation(known, shown)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return { kind: 'refused', why: error.message }
  }
}

function relation(known: KnownChain, shown: readonly SignedDeviceList[]): ChainCheck {
  const { newest } = known
  const [first] = shown
  if (!first) return newest ? { kind: 'incomplete' } : { kind: 'refused', why: 'no device list' }
  if (!newest) return startOf(known, shown)
  const at = shown.findIndex((signed) => equalBytes(sha256(signed.body), newest.hash))
  if (at >= 0) return continuing(newest, shown.slice(at + 1))
  if (follows(first, newest)) return continuing(newest, shown)
  return startOf(known, shown)
}

function continuing(newest: VerifiedList, shown: readonly SignedDeviceList[]): ChainCheck {
  if (shown.length === 0) return { kind: 'unchanged' }
  return { kind: 'continues', added: verifyAll(newest, shown) }
}

function follows(first: SignedDeviceList | undefined, newest: VerifiedList | undefined): boolean {
  if (!first) return false
  try {
    verifyDeviceList(first, newest, listCrypto)
    return true
  } catch {
    return false
  }
}

/**
 * The chain does not hold the known list: it is only a part, older, a fork, or one of another root.
 */
function startOf(known: KnownChain, shown: readonly SignedDeviceList[]): ChainCheck {
  // What cannot be a whole chain may be the end of one.
  if (known.newest && !follows(shown[0], undefined)) return { kind: 'incomplete' }
  const added = verifyAll(undefined, shown)
  const last = added.at(-1)
  if (last?.list.account !== known.account) {
    return { kind: 'refused', why: 'the device list is of another account' }
  }
  if (!known.newest || !equalBytes(known.newest.list.rootKey, last.list.rootKey)) {
    return { kind: 'anew', added }
  }
  const older = known.hashOf(last.list.version)
  if (older && equalBytes(older, last.hash)) return { kind: 'unchanged' }
  return { kind: 'refused', why: 'the device list forks from the one that is known' }
}

function verifyAll(
  newest: VerifiedList | undefined,
  shown: readonly SignedDeviceList[],
): VerifiedList[] {
  const verified: VerifiedList[] = []
  for (const signed of shown) {
    verified.push(verifyDeviceList(signed, verified.at(-1) ?? newest, listCrypto))
  }
  return verified
}
