// Messages and a stored session recorded with the official library, which this code must open for
// as long as records of this version are about.

import { expect, test } from 'bun:test'
import { utf8 } from './bytes.ts'
import { nobleCurve } from './curve.ts'
import { decryptMessage, decryptPreKeyMessage } from './receiving.ts'
import { archiveSession } from './sessions.ts'
import { NOW_MS, repeatableRandom } from './two-devices.fixture.ts'
import type { Address, Encrypted, LocalIdentity, NamedPreKeys } from './types.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

interface InHex {
  local: { address: Address; registrationId: number; identity: HexKeys }
  remote: Address
  prekeys: { signed: HexKeys & Id; kyber: HexKeys & Id; oneTime: HexKeys & Id }
  first: HexMessage[]
  later: { record: string; opens: HexMessage; refuses: HexMessage }
}
interface Id {
  id: number
}
interface HexKeys {
  publicKey: string
  privateKey: string
}
interface HexMessage {
  type: Encrypted['type']
  ciphertext: string
  plaintext: string
}

const { local, remote, prekeys, first, later } = readVectors<InHex>('libsignal-session')

function keysOf({ publicKey, privateKey }: HexKeys) {
  return { publicKey: fromHex(publicKey), privateKey: fromHex(privateKey) }
}

const us: LocalIdentity = { ...local, identity: keysOf(local.identity) }
const named: NamedPreKeys = {
  signed: { ...keysOf(prekeys.signed), id: prekeys.signed.id },
  kyber: { ...keysOf(prekeys.kyber), id: prekeys.kyber.id },
  oneTime: { ...keysOf(prekeys.oneTime), id: prekeys.oneTime.id },
}
const random = repeatableRandom('libsignal session')
const context = { local: us, remote, random, nowMs: NOW_MS, curve: nobleCurve }

test('first messages of the official library open, in any order', async () => {
  let record: Uint8Array | undefined
  for (const message of [...first].reverse()) {
    const ciphertext = fromHex(message.ciphertext)
    const input = { ...context, record, ciphertext, prekeys: named }
    const opened = await decryptPreKeyMessage(input)
    expect(opened.plaintext).toEqual(utf8(message.plaintext))
    record = opened.record
  }
})

test('a stored record opens the message that was still under way, and no other', async () => {
  const record = fromHex(later.record)
  for (const stored of [record, archiveSession(record)]) {
    const open = ({ ciphertext }: HexMessage) =>
      decryptMessage({ ...context, record: stored, ciphertext: fromHex(ciphertext) })
    const { plaintext } = await open(later.opens)
    expect(plaintext).toEqual(utf8(later.opens.plaintext))
    await expect(open(later.refuses)).rejects.toMatchObject({ code: 'duplicate' })
  }
})
