/**
 * What every module of the server may be given: backends, time, randomness, logger. At most twelve
 * fields; a function takes what it needs.
 */
import type { Logger } from 'pino'
import type { Bus } from './backends/bus/bus.ts'
import type { Log } from './backends/log/log.ts'
import type { Sms } from './backends/sms/sms.ts'
import type { Sql } from './backends/sql/sql.ts'
import type { Clock, RandomBytes } from './clock.ts'
import type { Metrics } from './metrics.ts'

export interface Context {
  log: Log
  bus: Bus
  sql: Sql
  sms: Sms
  clock: Clock
  random: RandomBytes
  logger: Logger
  metrics: Metrics
  /** Changes when the stores were restored from an older state. */
  incarnation: string
}
