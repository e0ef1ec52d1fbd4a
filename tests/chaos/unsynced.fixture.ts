/** A planted fault for fsyncs.test.ts: runs before the server, whose log then leans on the kernel. */
import { Database } from 'bun:sqlite'
import { preloadInWorkers } from './preload-workers.ts'

const run = Reflect.get(Database.prototype, 'run') as (...given: unknown[]) => unknown

Reflect.set(Database.prototype, 'run', function unsynced(this: Database, ...given: unknown[]) {
  const [sql, ...others] = given
  const changed = String(sql).replace(/synchronous = full/i, 'synchronous = off')
  return run.call(this, changed, ...others)
})

preloadInWorkers(import.meta.path)
