// The example of README.md, which a test runs. Alice writes to Bob, whose bundle a server gave her.

import { nobleCurve } from './index.reference.ts'
import * as signal from './index.ts'

export async function example(random: signal.RandomBytes): Promise<string> {
  const outside = { random, nowMs: 0, curve: nobleCurve }
  const [aliceKeys, identity] = [signal.generateKeyPair(random), signal.generateKeyPair(random)]
  const alice = { account: '3d0f6ac2-6f5f-4b7a-9f6e-1d2c3b4a5968', device: 1 }
  const bob = { account: 'b7e4c1d0-52a9-4c3e-8d1f-0a9b8c7d6e5f', device: 1 }
  const atAlice = { local: { address: alice, identity: aliceKeys, registrationId: 1 }, remote: bob }
  const atBob = { local: { address: bob, identity, registrationId: 2 }, remote: alice }
  const signed = signal.generateSignedPreKey({ identity, id: 1, random })
  const kyber = signal.generateKyberPreKey({ identity, id: 2, random })
  const oneTime = signal.generateOneTimePreKey({ id: 3, random })
  const published = { signedPreKey: signed, kyberPreKey: kyber, oneTimePreKey: oneTime }
  const bundle = { registrationId: 2, identityKey: identity.publicKey, ...published }
  const record = await signal.createSession({ ...atAlice, ...outside, bundle, record: undefined })
  const plaintext = signal.pad(new TextEncoder().encode('Hello, Bob'))
  const { ciphertext } = await signal.encryptMessage({ ...atAlice, ...outside, record, plaintext })
  const stored = { record: undefined, prekeys: { signed, kyber, oneTime } }
  const opened = await signal.decryptPreKeyMessage({ ...atBob, ...outside, ...stored, ciphertext })
  return new TextDecoder().decode(signal.unpad(opened.plaintext))
}
