/** The bus within one process against the contract. */
import { expect, test } from 'bun:test'
import { pino } from 'pino'
import { LocalBus } from './bus-local.ts'
import { describeBus } from './bus.contract.ts'

describeBus(
  'bus-local',
  async () => {
    const bus = new LocalBus(pino({ level: 'silent' }))
    return {
      bus,
      other: bus,
      settle: async () => {},
      breakAndMend: async () => {},
      [Symbol.asyncDispose]: async () => {},
    }
  },
  { skip: [{ rule: 'B3', reason: 'a bus within one process does not break' }] },
)

test('a topic that everybody has left is forgotten', async () => {
  const bus = new LocalBus(pino({ level: 'silent' }))
  const listeners = [1, 2, 3].map(() => ({ onNews() {}, onBroken() {} }))
  for (const listener of listeners) await bus.subscribe('gateways', listener)
  expect(bus.topics).toBe(1)
  for (const listener of listeners) bus.unsubscribe('gateways', listener)
  expect(bus.topics).toBe(0)
})
