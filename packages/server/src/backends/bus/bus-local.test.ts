/** The bus within one process against the contract. */
import { pino } from 'pino'
import { LocalBus } from './bus-local.ts'
import { describeBus } from './bus.contract.ts'

describeBus('bus-local', async () => {
  const bus = new LocalBus(pino({ level: 'silent' }))
  return {
    bus,
    other: bus,
    settle: async () => {},
    breakAndMend: undefined,
    [Symbol.asyncDispose]: async () => {},
  }
})
