/** E6: a server brings what was delivered again, in every way that it can. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { parseMessageId } from '@parley/wire'
import type { MessageContent } from '@parley/wire'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import {
  openOn,
  timelineOf,
  until,
  untilStatus,
  untilTexts,
} from '../../packages/sdk/src/testing/test-people.ts'
import type { HostileServer } from './hostile-server.ts'
import { greetings, setAcquaintedStage, stateOf } from './stage.ts'
import type { Stage } from './stage.ts'

const anotherId = parseMessageId('ab'.repeat(16))

/** Ana's next message as it was served to Ben, once its receipt is out. */
async function delivered({ evil, ana, ben }: Stage, text: string): Promise<MessageContent> {
  let content: MessageContent | undefined
  evil.alterServerFrame = (frame) => {
    if (frame.kind === 'entry' && frame.content.kind === 'message') content = frame.content
    return [frame]
  }
  await ana.client.sendText(ben.account, text)
  await untilTexts(ben.client, ana.account, [...greetings, text])
  await untilStatus(ana.client, ben.account, 'delivered')
  if (!content) throw new Error('nothing was served')
  return content
}

/** The same ciphertext under every label that the server may choose. */
async function replay(evil: HostileServer, content: MessageContent): Promise<void> {
  const { sequence, stamp } = content
  await evil.deliver(content)
  await evil.deliver({ ...content, messageId: anotherId })
  await evil.deliver({ ...content, sequence: sequence + 1 })
  await evil.deliver({ ...content, sequence: sequence + 2, messageId: anotherId })
  await evil.deliver({ ...content, stamp: stamp + 1_000, messageId: anotherId })
}

test('[E6] what is delivered again is shown once and owes no second receipt', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  const content = await delivered(stage, 'once')
  const before = stateOf(ben.database)
  const receipts = evil.receipts.length
  const events = ben.client.events(1_000).length
  await replay(evil, content)
  expect(timelineOf(ben.client, ana.account).getSnapshot().items).toHaveLength(3)
  expect(stateOf(ben.database)).toBe(before)
  expect(ben.client.events(1_000)).toHaveLength(events)
  expect(evil.receipts.slice(receipts)).toEqual([])
  expect(ben.client.chats().getSnapshot()[0]?.unread).toBe(2)
})

test('[E6] nor after a restart of the program', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  const content = await delivered(stage, 'once')
  await ben.client[Symbol.asyncDispose]()
  await using again = openOn(openBunDriver(ben.database), evil.url)
  again.start()
  await until(again.connection, ({ status }) => status === 'online')
  const events = again.events(1_000).length
  await replay(evil, content)
  expect(timelineOf(again, ana.account).getSnapshot().items).toHaveLength(3)
  expect(again.events(1_000)).toHaveLength(events)
  // The mark that is owed may go out twice, until the server has confirmed it; a higher one never.
  expect(highestMark(evil)).toBe(content.sequence)
})

test('[E6] nor after a backup of the profile was put back', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  const backup = ben.database.serialize()
  const content = await delivered(stage, 'once')
  await ben.client[Symbol.asyncDispose]()
  await using restored = openOn(openBunDriver(Database.deserialize(backup)), evil.url)
  restored.start()
  await untilTexts(restored, ana.account, [...greetings, 'once'])
  const events = restored.events(1_000).length
  await replay(evil, content)
  expect(timelineOf(restored, ana.account).getSnapshot().items).toHaveLength(3)
  expect(restored.events(1_000)).toHaveLength(events)
  expect(highestMark(evil)).toBe(content.sequence)
})

function highestMark(evil: HostileServer): number {
  return Math.max(...evil.receipts.map(({ delivered }) => delivered))
}
