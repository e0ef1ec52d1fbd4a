// The example of README.md, which a test runs. Alice writes to Bob, whose bundle a server gave her.

import * as crypto from './index.ts'

export async function example(random: crypto.RandomBytes): Promise<string> {
  const [aliceIdentity, identity] = [crypto.generateKeyPair(random), crypto.generateKeyPair(random)]
  const aliceAddress = { account: '3d0f6ac2-6f5f-4b7a-9f6e-1d2c3b4a5968', device: 1 }
  const bobAddress = { account: 'b7e4c1d0-52a9-4c3e-8d1f-0a9b8c7d6e5f', device: 1 }
  const alice = { address: aliceAddress, identity: aliceIdentity, registrationId: 1 }
  const bob = { address: bobAddress, identity, registrationId: 2 }
  const outside = { random, nowMs: 0, curve: crypto.nobleCurve }
  const signed = crypto.generateSignedPreKey({ identity, id: 1, random })
  const kyber = crypto.generateKyberPreKey({ identity, id: 2, random })
  const oneTime = crypto.generateOneTimePreKey({ id: 3, random })
  const prekeys = { signedPreKey: signed, kyberPreKey: kyber, oneTimePreKey: oneTime }
  const bundle = { registrationId: 2, identityKey: identity.publicKey, ...prekeys }

  const aliceSide = { local: alice, remote: bobAddress, ...outside }
  const fresh = await crypto.createSession({ ...aliceSide, bundle, record: undefined })
  const plaintext = crypto.pad(new TextEncoder().encode('Hello, Bob'))
  const sealed = await crypto.encryptMessage({ ...aliceSide, record: fresh, plaintext })

  const bobSide = { local: bob, remote: aliceAddress, ...outside }
  const { ciphertext } = sealed
  const named = { signed, kyber, oneTime }
  const input = { ...bobSide, record: undefined, ciphertext, prekeys: named }
  const opened = await crypto.decryptPreKeyMessage(input)
  return new TextDecoder().decode(crypto.unpad(opened.plaintext))
}
