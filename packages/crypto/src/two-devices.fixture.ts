// For tests: devices with an identity, prekeys and one session record, and repeatable randomness.

import { utf8 } from './bytes.ts'
import { nobleCurve } from './curve.ts'
import { generateKeyPair } from './keys.ts'
import { generateKyberPreKey, generateOneTimePreKey, generateSignedPreKey } from './prekeys.ts'
import { hkdfSha256, type RandomBytes } from './primitives.ts'
import { decryptMessage, decryptPreKeyMessage, readPreKeyMessage } from './receiving.ts'
import { createSession, encryptMessage } from './sessions.ts'
import type { Address, Encrypted, LocalIdentity, PreKeyBundle, SessionRecord } from './types.ts'

export const NOW_MS = Date.UTC(2026, 0, 1)

export function repeatableRandom(seed: string): RandomBytes {
  let calls = 0
  return (length) => {
    const info = utf8(`${calls++}`)
    return hkdfSha256({ secret: utf8(seed), salt: undefined, info, length })
  }
}

export class Device {
  readonly address: Address
  readonly local: LocalIdentity
  readonly random: RandomBytes
  record: SessionRecord | undefined
  nowMs = NOW_MS
  readonly prekeys

  constructor(address: Address, seed: string) {
    this.address = address
    this.random = repeatableRandom(`${seed} ${address.account} ${address.device}`)
    const { random } = this
    const identity = generateKeyPair(random)
    this.local = { address, identity, registrationId: 1000 + address.device }
    this.prekeys = {
      signed: generateSignedPreKey({ identity, id: 21, random }),
      kyber: generateKyberPreKey({ identity, id: 22, random }),
      oneTime: generateOneTimePreKey({ id: 23, random }),
    }
  }

  /** Copies, so that a test may spoil them. */
  bundle({ oneTime = true } = {}): PreKeyBundle {
    return structuredClone({
      registrationId: this.local.registrationId,
      identityKey: this.local.identity.publicKey,
      signedPreKey: this.prekeys.signed,
      kyberPreKey: this.prekeys.kyber,
      oneTimePreKey: oneTime ? this.prekeys.oneTime : undefined,
    })
  }

  context(remote: Address) {
    const { local, random, nowMs } = this
    return { local, remote, random, nowMs, curve: nobleCurve }
  }

  async connect(remote: Device, bundle = remote.bundle()): Promise<void> {
    const { record } = this
    this.record = await createSession({ ...this.context(remote.address), bundle, record })
  }

  async send(remote: Device, text: string): Promise<Encrypted> {
    const record = this.record ?? new Uint8Array(0)
    const plaintext = utf8(text)
    const sealed = await encryptMessage({ ...this.context(remote.address), record, plaintext })
    this.record = sealed.record
    return sealed
  }

  /** Opens without keeping the new record. */
  async peek(remote: Device, { type, ciphertext }: Pick<Encrypted, 'type' | 'ciphertext'>) {
    const context = this.context(remote.address)
    const { record } = this
    if (type === 'message') {
      return decryptMessage({ ...context, record: record ?? new Uint8Array(0), ciphertext })
    }
    const { oneTimePreKeyId } = readPreKeyMessage(ciphertext)
    const oneTime = oneTimePreKeyId === undefined ? undefined : this.prekeys.oneTime
    const prekeys = { ...this.prekeys, oneTime }
    return decryptPreKeyMessage({ ...context, record, ciphertext, prekeys })
  }

  async receive(remote: Device, sealed: Pick<Encrypted, 'type' | 'ciphertext'>): Promise<string> {
    const opened = await this.peek(remote, sealed)
    this.record = opened.record
    return new TextDecoder().decode(opened.plaintext)
  }
}

export const ALICE: Address = { account: '3d0f6ac2-6f5f-4b7a-9f6e-1d2c3b4a5968', device: 1 }
export const BOB: Address = { account: 'b7e4c1d0-52a9-4c3e-8d1f-0a9b8c7d6e5f', device: 2 }

export function twoDevices(seed: string): { alice: Device; bob: Device } {
  return { alice: new Device(ALICE, seed), bob: new Device(BOB, seed) }
}

/** Both have sent and received, so that neither says anything more about prekeys. */
export async function acquainted(seed: string): Promise<{ alice: Device; bob: Device }> {
  const { alice, bob } = twoDevices(seed)
  await alice.connect(bob)
  await bob.receive(alice, await alice.send(bob, 'hello'))
  await alice.receive(bob, await bob.send(alice, 'hello yourself'))
  return { alice, bob }
}

export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  const at = bit >> 3
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
  return flipped
}
