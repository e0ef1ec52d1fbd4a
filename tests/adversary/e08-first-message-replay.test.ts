/**
 * E8: a server replays a first message to somebody who has lost the session that it began. Where it
 * named no one-time prekey, only memory tells it from a new one.
 */
import { expect, test } from 'bun:test'
import { readPreKeyMessage } from '@parley/crypto'
import { messageIdOf } from '@parley/wire'
import type { Envelope, MessageContent } from '@parley/wire'
import { keepPreKeys, sweep } from '../../packages/sdk/src/account/upkeep.ts'
import type { Engine } from '../../packages/sdk/src/engine.ts'
import { systemRandom } from '../../packages/sdk/src/platform/random.ts'
import { timelineQuery } from '../../packages/sdk/src/state/timeline.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { engineOn } from '../../packages/sdk/src/testing/test-engine.ts'
import { textsOf, until, untilTexts } from '../../packages/sdk/src/testing/test-people.ts'
import { drain } from './draining.ts'
import { SkippingClock } from './skipping-clock.ts'
import { setStage, stateOf, withholdBundles } from './stage.ts'
import type { Stage } from './stage.ts'

const dayMs = 86_400_000

/** Ana's first message, to a device of which the server has no one-time prekeys left. */
async function firstMessage({ server, evil, ana, ben }: Stage): Promise<MessageContent> {
  let content: MessageContent | undefined
  evil.alterServerFrame = (frame) => {
    if (frame.kind === 'entry' && frame.content.kind === 'message') content ??= frame.content
    return [frame]
  }
  await drain(server, ben, 100)
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'first')
  await untilTexts(ben.client, ana.account, ['first'])
  if (!content?.envelope) throw new Error('nothing came')
  expect(readPreKeyMessage(content.envelope.ciphertext).oneTimePreKeyId).toBeUndefined()
  return content
}

/** Ben's program again, without the sessions that it had. */
async function forgetful({ evil, ben }: Stage, clock: SkippingClock): Promise<Engine> {
  await ben.client[Symbol.asyncDispose]()
  ben.database.run('DELETE FROM sessions')
  withholdBundles(evil)
  const engine = engineOn(openBunDriver(ben.database), evil.url, clock)
  engine.start()
  await until(engine.connection.state, ({ status }) => status === 'online')
  return engine
}

async function expectNothingOpens(stage: Stage, engine: Engine, content: MessageContent) {
  const { evil, ana, ben } = stage
  const before = stateOf(ben.database, ['sessions', 'used_base_keys'])
  const messageId = messageIdOf(systemRandom(16))
  await evil.deliver(content)
  await evil.deliver({ ...content, messageId })
  const { items } = timelineQuery(engine.core.store, {
    conversation: ana.account,
    around: undefined,
    limit: 180,
  }).getSnapshot()
  expect(textsOf(items)).toEqual(['first'])
  expect(stateOf(ben.database, ['sessions', 'used_base_keys'])).toBe(before)
}

test('[E8] it opens nothing while its prekeys live, after they were rotated, and when they are gone', async () => {
  await using stage = await setStage()
  const content = await firstMessage(stage)
  const clock = new SkippingClock()
  const engine = await forgetful(stage, clock)
  const { core } = engine
  const header = readPreKeyMessage((content.envelope as Envelope).ciphertext)
  const holdsKeys = () =>
    core.store.all('SELECT 1 FROM signed_prekeys WHERE id = ?', [header.signedPreKeyId]).length +
    core.store.all('SELECT 1 FROM kyber_prekeys WHERE id = ?', [header.kyberPreKeyId]).length
  expect(holdsKeys()).toBe(2)
  await expectNothingOpens(stage, engine, content)
  await keepPreKeys(core, true)
  expect(holdsKeys()).toBe(2)
  await expectNothingOpens(stage, engine, content)
  clock.skip(31 * dayMs)
  sweep(core)
  expect(holdsKeys()).toBe(0)
  await until(engine.connection.state, ({ status }) => status === 'online')
  await expectNothingOpens(stage, engine, content)
  await engine.end()
})
