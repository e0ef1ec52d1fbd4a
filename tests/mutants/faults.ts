/** All faults that are planted; each file holds those of one part. */
import type { Fault } from './fault.ts'
import { clientFaults } from './faults-client.ts'
import { groupFaults } from './faults-groups.ts'
import { handshakeFaults } from './faults-handshake.ts'
import { mediaFaults } from './faults-media.ts'
import { sessionFaults } from './faults-session.ts'
import { spqrFaults } from './faults-spqr.ts'

export const faults: readonly Fault[] = [
  ...handshakeFaults,
  ...sessionFaults,
  ...spqrFaults,
  ...groupFaults,
  ...mediaFaults,
  ...clientFaults,
]
