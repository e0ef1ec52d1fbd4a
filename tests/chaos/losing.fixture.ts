/**
 * A planted fault for chaos.test.ts: runs before the server, whose log rolls a batch back now and
 * then and says that it is written.
 */
import { Database } from 'bun:sqlite'
import type { Statement } from 'bun:sqlite'
import './clock-preload.ts'
import { preloadInWorkers } from './preload-workers.ts'

/** One of so many batches: the server serves them from memory, so only what a kill cuts off goes. */
const lostEvery = 4

const prepare = Reflect.get(Database.prototype, 'prepare') as (sql: string) => Statement

Reflect.set(Database.prototype, 'prepare', function losing(this: Database, sql: string) {
  const statement = prepare.call(this, sql)
  if (sql !== 'COMMIT') return statement
  const rollback = prepare.call(this, 'ROLLBACK')
  let batches = 0
  return { run: () => (++batches % lostEvery === 0 ? rollback : statement).run() }
})

preloadInWorkers(import.meta.path)
