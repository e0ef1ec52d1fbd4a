import { expect, test } from 'bun:test'
import { equalBytes, generateKeyPair, sha256, sign } from '@parley/crypto'
import type { KeyPair } from '@parley/crypto'
import { deviceListSigningInput, encodeDeviceList } from '@parley/wire'
import type { SignedDeviceList, VerifiedList } from '@parley/wire'
import { checkChain } from './device-chain.ts'
import { systemRandom } from '../platform/random.ts'
import { testAccount, testDevice } from '../testing/test-store.ts'

const account = testAccount(3)
const root = generateKeyPair(systemRandom)

/** A chain of so many versions, each with one device more; signed by its root. */
function chainOf(versions: number, by: KeyPair = root, first = 1): SignedDeviceList[] {
  const chain: SignedDeviceList[] = []
  const devices = []
  for (let version = 1; version <= versions; version++) {
    const identityKey = generateKeyPair(systemRandom).publicKey
    devices.push({ id: testDevice(first + version), number: version, identityKey })
    const before = chain.at(-1)
    const previous = before ? sha256(before.body) : new Uint8Array()
    const list = { account, version, rootKey: by.publicKey, previous, devices: [...devices] }
    const body = encodeDeviceList(list)
    const signature = sign(by.privateKey, deviceListSigningInput(body), systemRandom)
    chain.push({ body, signer: new Uint8Array(), signature })
  }
  return chain
}

function knownFrom(chain: readonly SignedDeviceList[]) {
  const check = checkChain({ account, newest: undefined, hashOf: () => undefined }, chain)
  if (check.kind !== 'anew') throw new Error(check.kind)
  const hashes = check.added.map((list) => list.hash)
  const newest: VerifiedList | undefined = check.added.at(-1)
  return { account, newest, hashOf: (version: number) => hashes[version - 1] }
}

test('[E10] a first chain is taken from version 1 only', () => {
  const unknown = { account, newest: undefined, hashOf: () => undefined }
  expect(checkChain(unknown, chainOf(3)).kind).toBe('anew')
  expect(checkChain(unknown, chainOf(3).slice(1)).kind).toBe('refused')
  expect(checkChain(unknown, []).kind).toBe('refused')
})

test('[E10] what follows the known list is taken, with or without what is known', () => {
  const chain = chainOf(4)
  const known = knownFrom(chain.slice(0, 2))
  for (const shown of [chain, chain.slice(1), chain.slice(2)]) {
    const check = checkChain(known, shown)
    if (check.kind !== 'continues') throw new Error(check.kind)
    expect(check.added.map((list) => list.list.version)).toEqual([3, 4])
  }
})

test('[E10] the same list again, and an older one, change nothing', () => {
  const chain = chainOf(3)
  const known = knownFrom(chain)
  expect(checkChain(known, chain).kind).toBe('unchanged')
  expect(checkChain(known, chain.slice(2)).kind).toBe('unchanged')
  expect(checkChain(known, chain.slice(0, 2)).kind).toBe('unchanged')
})

test('[E10] a fork under the same root is refused', () => {
  const chain = chainOf(3)
  const known = knownFrom(chain)
  const fork = chainOf(3, root, 20)
  expect(checkChain(known, fork).kind).toBe('refused')
  const mixed = [...chain.slice(0, 2), fork[2] as SignedDeviceList]
  expect(checkChain(known, mixed).kind).toBe('refused')
})

test('[E10] a chain that is signed well, but of another account, is refused', () => {
  const stranger = { account: testAccount(4), newest: undefined, hashOf: () => undefined }
  expect(checkChain(stranger, chainOf(2)).kind).toBe('refused')
  const known = { ...knownFrom(chainOf(2)), account: testAccount(4) }
  expect(checkChain(known, chainOf(1, generateKeyPair(systemRandom))).kind).toBe('refused')
})

test('[E10] a part that does not reach the known list asks for the whole', () => {
  const chain = chainOf(5)
  const known = knownFrom(chain.slice(0, 2))
  expect(checkChain(known, chain.slice(3)).kind).toBe('incomplete')
  expect(checkChain(known, []).kind).toBe('incomplete')
})

test('[E1] another root begins a chain anew', () => {
  const known = knownFrom(chainOf(3))
  const other = generateKeyPair(systemRandom)
  const check = checkChain(known, chainOf(1, other))
  if (check.kind !== 'anew') throw new Error(check.kind)
  expect(equalBytes(check.added[0]?.list.rootKey ?? new Uint8Array(), other.publicKey)).toBe(true)
})

test('[E10] a list that nobody entitled has signed is refused', () => {
  const chain = chainOf(2)
  const [first, second] = chain
  if (!first || !second) throw new Error('no chain')
  const signature = Uint8Array.from(second.signature)
  signature[3] = (signature[3] ?? 0) ^ 1
  const known = knownFrom([first])
  expect(checkChain(known, [first, { ...second, signature }]).kind).toBe('refused')
})
