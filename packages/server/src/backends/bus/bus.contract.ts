/** What every adapter of the bus has to pass: rules B1-B4 of docs/spec/bus.md. */
import { afterEach, describe, expect, test } from 'bun:test'
import { accountIdFromRandom, inboxOf } from '@parley/wire'
import { SimRandom } from '../../../../testkit/src/sim/random.ts'
import type { Bus, BusMessage, Topic } from './bus.ts'

export interface BusRig extends AsyncDisposable {
  /** Two ends of one bus, as two processes have; the same one where there is only one process. */
  bus: Bus
  other: Bus
  /** Until what was published has arrived. */
  settle(): Promise<void>
  /** Cuts the bus and mends it again. */
  breakAndMend(): Promise<void>
}

const ids = new SimRandom(3)
const newTopic = (): Topic => inboxOf(accountIdFromRandom(ids.bytes(16)))
const presence = (lastSeen: number): BusMessage => ({
  kind: 'presence',
  account: accountIdFromRandom(new Uint8Array(16)),
  online: false,
  lastSeen,
})

export interface BusDeviation {
  reason: string
  /** Rule id at the start of the tests that do not hold. */
  rule: string
}

export function describeBus(
  name: string,
  make: () => Promise<BusRig>,
  { skip }: { skip: readonly BusDeviation[] },
): void {
  const rule = (title: string, run: () => Promise<void>) => {
    const deviation = skip.find((each) => title.startsWith(`[${each.rule}]`))
    if (deviation) test.skip(`${title} (${deviation.reason})`, run)
    else test(title, run)
  }
  const rigs: BusRig[] = []
  const start = async () => {
    const rig = await make()
    rigs.push(rig)
    return rig
  }
  const listen = async (bus: Bus, topic: Topic) => {
    const heard: BusMessage[] = []
    const broken: number[] = []
    const listener = {
      onNews: (message: BusMessage) => void heard.push(message),
      onBroken: () => void broken.push(heard.length),
    }
    await bus.subscribe(topic, listener)
    return { heard, broken, leave: () => bus.unsubscribe(topic, listener) }
  }
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]()
  })

  describe(name, () => {
    rule('[B1] a message reaches every subscriber of its topic once, and no other', async () => {
      const { bus, other, settle } = await start()
      const topic = newTopic()
      const heard = [await listen(bus, topic), await listen(other, topic), await listen(bus, topic)]
      const stranger = await listen(other, newTopic())
      bus.publish(topic, presence(1))
      await settle()
      for (const each of heard) expect(each.heard).toEqual([presence(1)])
      expect(stranger.heard).toEqual([])
    })

    rule('[B1] an entry arrives whole, with the position before it', async () => {
      const { bus, other, settle } = await start()
      const log = inboxOf(accountIdFromRandom(ids.bytes(16)))
      const { heard } = await listen(other, log)
      const entry = {
        log,
        position: 92_345_678_901_234,
        prev: 92_345_678_900_000,
        body: ids.bytes(3_000),
      }
      bus.publish(log, { kind: 'entry', entry })
      await settle()
      expect(heard).toEqual([{ kind: 'entry', entry }])
    })

    rule(
      '[B1] a subscriber that throws disturbs neither the publisher nor the others',
      async () => {
        const { bus, settle } = await start()
        const topic = newTopic()
        await bus.subscribe(topic, {
          onNews() {
            throw new Error('a fault of the listener')
          },
          onBroken() {},
        })
        const { heard } = await listen(bus, topic)
        bus.publish(topic, presence(1))
        bus.publish(topic, presence(2))
        await settle()
        expect(heard).toEqual([presence(1), presence(2)])
      },
    )

    rule('[B2] what is published after subscribe resolved is heard', async () => {
      const { bus, other, settle } = await start()
      for (let round = 0; round < 20; round++) {
        const topic = newTopic()
        const { heard } = await listen(bus, topic)
        other.publish(topic, presence(round))
        await settle()
        expect(heard).toEqual([presence(round)])
      }
    })

    rule('[B3] every subscriber is told when news may have been lost', async () => {
      const { bus, breakAndMend } = await start()
      const one = await listen(bus, newTopic())
      await breakAndMend()
      expect(one.broken).toHaveLength(1)
    })

    rule(
      '[B4] nothing is heard after leaving, even by one who leaves while it is told',
      async () => {
        const { bus, settle } = await start()
        const topic = newTopic()
        const leaver = await listen(bus, topic)
        const heard: BusMessage[] = []
        const hasty = {
          onNews(message: BusMessage) {
            heard.push(message)
            bus.unsubscribe(topic, hasty)
            last.leave()
          },
          onBroken() {},
        }
        await bus.subscribe(topic, hasty)
        const last = await listen(bus, topic)
        leaver.leave()
        leaver.leave()
        bus.publish(topic, presence(1))
        bus.publish(topic, presence(2))
        await settle()
        expect(leaver.heard).toEqual([])
        expect(heard).toEqual([presence(1)])
        expect(last.heard).toEqual([])
      },
    )
  })
}
