// Records vectors/crypto/libsignal-session.json: messages of the official library with the keys and
// the stored session that open them, so that later code can be held to today's wire and records.
// Run by hand when a new record version is introduced: bun tests/interop/record-transcript.ts

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createSession,
  decryptMessage,
  decryptPreKeyMessage,
  encryptMessage,
  generateKeyPair,
  generateKyberPreKey,
  generateOneTimePreKey,
  generateSignedPreKey,
  type SessionRecord,
} from '@parley/crypto'
import { nobleCurve } from '@parley/crypto/reference'
import { oracleProgram, PINNED_ORACLE } from './install.ts'
import { startOracle } from './oracle-process.ts'
import { OracleParty } from './parties.ts'

const OUT = join(import.meta.dirname, '../../vectors/crypto/libsignal-session.json')
const ROUNDS = 150
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const utf8 = (text: string) => new TextEncoder().encode(text)

const local = {
  address: { account: '3d0f6ac2-6f5f-4b7a-9f6e-1d2c3b4a5968', device: 1 },
  identity: generateKeyPair(random),
  registrationId: 7,
}
const remote = { account: 'b7e4c1d0-52a9-4c3e-8d1f-0a9b8c7d6e5f', device: 2 }
const { identity, registrationId } = local
const prekeys = {
  signed: generateSignedPreKey({ identity, id: 1, random }),
  kyber: generateKyberPreKey({ identity, id: 2, random }),
  oneTime: generateOneTimePreKey({ id: 3, random }),
}
const bundle = {
  registrationId,
  identityKey: identity.publicKey,
  signedPreKey: prekeys.signed,
  kyberPreKey: prekeys.kyber,
  oneTimePreKey: prekeys.oneTime,
}
const context = { local, remote, random, nowMs: 0, curve: nobleCurve }

await using oracle = startOracle(oracleProgram(PINNED_ORACLE))
const peer = await OracleParty.start(remote, local.address, oracle)

async function hear(plaintext: string) {
  const { type, ciphertext } = await peer.encrypt(utf8(plaintext))
  return { type, ciphertext, plaintext }
}

await peer.connect(bundle)
const first = [await hear('first'), await hear('second'), await hear('third')]
const [opening] = first
const { ciphertext } = opening ?? (await hear('never'))
let record: SessionRecord = (
  await decryptPreKeyMessage({ ...context, record: undefined, ciphertext, prekeys })
).record
for (let round = 0; round < ROUNDS; round++) {
  const sent = await encryptMessage({ ...context, record, plaintext: utf8(`question ${round}`) })
  await peer.decrypt(sent)
  const answer = await hear(`answer ${round}`)
  const input = { ...context, record: sent.record, ciphertext: answer.ciphertext }
  record = (await decryptMessage(input)).record
}
const late = await hear('late')
const next = await hear('next')
const input = { ...context, record, ciphertext: next.ciphertext }
record = (await decryptMessage(input)).record
record = await createSession({ ...context, bundle: await peer.publish(true), record })

const transcript = {
  source: `messages of @signalapp/libsignal-client ${PINNED_ORACLE}, recorded by tests/interop`,
  local,
  remote,
  prekeys,
  first,
  later: { record, opens: late, refuses: next },
}
const toHex = (_: string, value: unknown) =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
writeFileSync(OUT, `${JSON.stringify(transcript, toHex, 2)}\n`)
