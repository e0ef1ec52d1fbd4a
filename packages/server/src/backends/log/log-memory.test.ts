/** The log in memory against the contract. */
import { pino } from 'pino'
import { SimRandom } from '../../../../testkit/src/sim/random.ts'
import { LogRig } from './log-rig.contract.ts'
import { MemoryLog, MemoryStore } from './log-memory.ts'
import { describeLog } from './log.contract.ts'

describeLog(
  'log-memory',
  ({ tight }) => {
    const store = new MemoryStore(tight ? 10 : 1_000_000)
    const random = new SimRandom(5)
    return LogRig.start(
      async (rig) =>
        new MemoryLog({
          store,
          clock: rig.clock,
          random: random.bytes,
          logger: pino({ level: 'silent' }),
          delayMsMax: 50,
          onParked: rig.onParked,
        }),
      () => {},
    )
  },
  { skip: [] },
)
