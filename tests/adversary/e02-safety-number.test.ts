/** E2: what people compare tells them of a server between them, and nothing else calls it verified. */
import { expect, test } from 'bun:test'
import { register, until } from '../../packages/sdk/src/testing/test-people.ts'
import type { Person } from '../../packages/sdk/src/testing/test-people.ts'
import { acquaint, setAcquaintedStage, setStage } from './stage.ts'

function isVerified(person: Person, peer: Person): boolean {
  return person.client.chat(peer.account).getSnapshot().verified
}

test('[E2] two people who hold the same keys see the same digits and verify by a scan', async () => {
  await using stage = await setAcquaintedStage()
  const { ana, ben } = stage
  const digits = await ana.client.safetyNumber(ben.account)
  expect(await ben.client.safetyNumber(ana.account)).toBe(digits)
  const [atAna, atBen] = await Promise.all([
    ana.client.safetyCode(ben.account),
    ben.client.safetyCode(ana.account),
  ])
  expect(await ana.client.verifyScanned(ben.account, atAna)).toBe('mismatch')
  expect(isVerified(ana, ben)).toBe(false)
  expect(await ana.client.verifyScanned(ben.account, atBen)).toBe('match')
  expect(isVerified(ana, ben)).toBe(true)
  expect(await ben.client.verifyScanned(ana.account, atAna)).toBe('match')
})

test('[E2] with a server between them the digits differ, and no scan verifies', async () => {
  await using stage = await setStage()
  const { ana, ben, evil, server } = stage
  // The server shows Ben an account of its own in place of Ana's.
  await using impostor = await register(server, 'Ana')
  evil.alterAnswer = ({ path, body }) =>
    path === '/v1/lookup' ? { account: impostor.account } : body
  const { account } = await ben.client.findContact(ana.phone)
  await ana.client.findContact(ben.phone)
  const seen = await ben.client.safetyNumber(account)
  expect(seen).not.toBe(await ana.client.safetyNumber(ben.account))
  const scanned = await ana.client.safetyCode(ben.account)
  expect(await ben.client.verifyScanned(account, scanned)).toBe('mismatch')
  expect(ben.client.chat(account).getSnapshot().verified).toBe(false)
})

test('[E2] another root in the same account is another number, and ends what a scan had verified', async () => {
  await using stage = await setAcquaintedStage()
  const { ana, ben, server } = stage
  const before = await ben.client.safetyNumber(ana.account)
  const genuine = await ana.client.safetyCode(ben.account)
  expect(await ben.client.verifyScanned(ana.account, genuine)).toBe('match')
  await using impostor = await register(server, 'Ana', { phone: ana.phone, recoveryKey: undefined })
  await impostor.client.findContact(ben.phone)
  await impostor.client.sendText(ben.account, 'it is me')
  await until(ben.client.chat(ana.account), ({ keyChanged }) => keyChanged)
  expect(isVerified(ben, ana)).toBe(false)
  expect(await ben.client.safetyNumber(ana.account)).not.toBe(before)
  expect(await ben.client.verifyScanned(ana.account, genuine)).toBe('mismatch')
  // Whoever compared the digits before the key was changed has not compared these.
  const late = ben.client.setVerified(ana.account, true, before)
  await expect(late).rejects.toMatchObject({ problem: { code: 'key-changed' } })
  expect(isVerified(ben, ana)).toBe(false)
})

test('[E2] a scan of something else verifies nothing and ends nothing', async () => {
  await using stage = await setStage()
  const { ana, ben } = stage
  await acquaint(stage)
  const link = new TextEncoder().encode(ana.client.ownLink())
  const noCodes = [link, new Uint8Array(), new Uint8Array(4_096).fill(0xff)]
  // Field 1, version 3.
  const later = (await ana.client.safetyCode(ben.account)).with(1, 3)
  for (const verified of [false, true]) {
    await ben.client.setVerified(ana.account, verified)
    for (const scanned of noCodes) {
      expect(await ben.client.verifyScanned(ana.account, scanned)).toBe('no-code')
    }
    expect(await ben.client.verifyScanned(ana.account, later)).toBe('other-version')
    expect(isVerified(ben, ana)).toBe(verified)
  }
})
