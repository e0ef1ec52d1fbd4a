/** Every kind of frame, sent by everybody (S9): frames.ts is the table. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { closeReasons, inboxOf } from '@parley/wire'
import { clientFrameKinds, compareRows } from './coverage.ts'
import { type FrameRow, frameRows } from './frames.ts'
import { type Asker, askers, type Connection, difference, World } from './world.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const letIn: readonly Asker[] = ['owner', 'sibling', 'peer', 'stranger']

/** Who is let in is served what there is first, so that what comes next is the answer. */
async function connected(world: World, asker: Asker): Promise<Connection> {
  const connection = world.connect(asker)
  if (letIn.includes(asker)) await world.until(() => connection.of('caught-up').length > 0)
  return connection
}

async function expectOutcome(row: FrameRow, world: World, asker: Asker): Promise<void> {
  const outcome = row.may[asker]
  const frame = await row.frame(world, asker)
  const isHello = frame.kind === 'hello'
  const before = await world.stored()
  const connection = isHello ? world.connect('anonymous') : await connected(world, asker)
  const heard = connection.frames.length
  connection.send(frame)
  const { answer, reason, closed } = outcome
  const code = closed && closeReasons[closed].code
  await world.until(() => {
    if (code !== undefined) return connection.closedWith === code
    return answer === undefined || connection.frames.length > heard
  })
  await world.settle()
  const answers = connection.frames.slice(heard)
  expect([asker, connection.closedWith]).toEqual([asker, code])
  expect([asker, String(answers[0]?.kind)]).toEqual([asker, closed ? 'closing' : String(answer)])
  const [rejected] = connection.of('rejected')
  expect([asker, String(rejected?.reason)]).toEqual([asker, String(reason)])
  expectOwn(connection, world, asker)
  const changed = difference(before, await world.stored()).map((line) => line.split(' ')[0])
  expect([asker, [...new Set(changed)].sort()]).toEqual([asker, [...(outcome.touches ?? [])]])
}

/** S13: whatever was asked, only the own log is served, and of it only the own envelopes. */
function expectOwn(connection: Connection, world: World, asker: Asker): void {
  const { account, device } = world.who(asker)
  for (const entry of connection.of('entry')) {
    expect(letIn).toContain(asker)
    expect(entry.log).toBe(inboxOf(account))
    if (entry.content.kind !== 'message') continue
    expect([device.id, undefined]).toContain(entry.content.envelope?.device)
  }
}

for (const row of Object.values(frameRows)) {
  test(`[S9][S13] ${row.kind}, by everybody`, async () => {
    await using world = await World.open()
    for (const asker of askers) {
      if (!row.may[asker].touches) await expectOutcome(row, world, asker)
    }
    for (const asker of askers) {
      if (!row.may[asker].touches) continue
      await using own = await World.open()
      await expectOutcome(row, own, asker)
    }
  })
}

test('[S9] every kind of frame of the contract stands in the table, and no other', () => {
  const kinds = clientFrameKinds()
  expect(kinds.length).toBeGreaterThan(5)
  expect(compareRows(Object.keys(frameRows), kinds)).toEqual({ withoutRow: [], withoutThing: [] })
})

test('[S9] a kind that is added without a row is found, and a row of one that is gone', () => {
  const kinds = clientFrameKinds()
  const { withoutRow } = compareRows(Object.keys(frameRows), [...kinds, 'join'])
  expect(withoutRow).toEqual(['join'])
  const { withoutThing } = compareRows([...Object.keys(frameRows), 'leave'], kinds)
  expect(withoutThing).toEqual(['leave'])
})

test('[S9] what a message says of its sender is what the token says', async () => {
  await using world = await World.open()
  const owner = await connected(world, 'owner')
  const heard = owner.of('entry').length
  for (const asker of ['peer', 'stranger'] as const) {
    const { account, device } = world.who(asker)
    const connection = await connected(world, asker)
    connection.send(world.toOwner(world.who(asker)))
    await world.until(() => connection.of('accepted').length === 1)
    await world.until(() =>
      owner.of('entry').some(({ content }) => {
        return content.kind === 'message' && content.senderDevice === device.id
      }),
    )
    const { content } = owner.of('entry').at(-1) ?? {}
    expect(content).toMatchObject({ kind: 'message', sender: account, senderDevice: device.id })
  }
  expect(owner.of('entry').length).toBe(heard + 2)
})
