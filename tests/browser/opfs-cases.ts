/**
 * What only the driver on the files of an origin must do; run in a worker, like the driver
 * contract.
 */
import type { Clock } from '../../packages/sdk/src/platform/ports.ts'
import { StoreError } from '../../packages/sdk/src/platform/ports.ts'
import { systemClock } from '../../packages/sdk/src/platform/clock.ts'
import type { DriverCase, DriverHost } from '../../packages/sdk/src/store/driver.contract.ts'
import {
  openBrowserDriver,
  removeBrowserStore,
} from '../../packages/sdk/src/store/sqlite.browser.ts'

interface SyncAccessHandle {
  write(bytes: Uint8Array, options: { at: number }): number
  flush(): void
  close(): void
}
interface FileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>
}
interface Directory {
  getDirectoryHandle(name: string): Promise<Directory>
  values(): AsyncIterable<FileHandle>
}
interface Storage {
  getDirectory(): Promise<Directory>
}

/** Where the pool puts a file's content, after its own header. */
const contentAt = 4096

const storage = () => (navigator as unknown as { storage: Storage }).storage

async function handlesOf(name: string): Promise<SyncAccessHandle[]> {
  const folder = await (await storage().getDirectory()).getDirectoryHandle(`parley-${name}`)
  const files = await folder.getDirectoryHandle('.opaque')
  const handles: SyncAccessHandle[] = []
  for await (const file of files.values()) handles.push(await file.createSyncAccessHandle())
  return handles
}

async function overwriteFiles(name: string, bytes: Uint8Array, at: number): Promise<void> {
  for (const handle of await handlesOf(name)) {
    handle.write(bytes, { at })
    handle.flush()
    handle.close()
  }
}

export const opfsHost: DriverHost = {
  async open(name) {
    const { driver, persistent } = await openBrowserDriver(name, systemClock)
    if (!persistent) throw new Error('the database is in memory')
    return driver
  },
  overwrite: (name, bytes) => overwriteFiles(name, bytes, contentAt),
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof StoreError ? error.reason : String(error)),
  )
}

function expectEqual(actual: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(wanted)]
  if (left !== right) throw new Error(`${left} should be ${right}`)
}

export const opfsCases: readonly DriverCase[] = [
  {
    name: 'a commit is in the files when it returns',
    async check(host) {
      const driver = await host.open('modes')
      expectEqual(driver.all('PRAGMA journal_mode'), [{ journal_mode: 'wal' }])
      expectEqual(driver.all('PRAGMA synchronous'), [{ synchronous: 2 }])
      driver.close()
    },
  },
  {
    name: 'a database whose file is gone is not taken for a new one, until it is removed',
    async check(host) {
      const driver = await host.open('lost')
      driver.run('CREATE TABLE t (value)')
      driver.close()
      // The header that names the file: the pool then empties it.
      await overwriteFiles('lost', new Uint8Array(64), 0)
      expectEqual(await reasonOf(host.open('lost')), 'corrupt')
      expectEqual(await reasonOf(host.open('lost')), 'corrupt')
      await removeBrowserStore('lost')
      const anew = await host.open('lost')
      expectEqual(anew.all('SELECT name FROM sqlite_schema'), [])
      anew.close()
    },
  },
  {
    name: 'files that the worker before still holds are waited for',
    async check(host) {
      const driver = await host.open('held')
      driver.run('CREATE TABLE t (value)')
      driver.close()
      const handles = await handlesOf('held')
      const opened = host.open('held')
      systemClock.after(600, () => {
        for (const handle of handles) handle.close()
      })
      const again = await opened
      expectEqual(again.all('SELECT value FROM t'), [])
      again.close()
    },
  },
  {
    name: 'files that are held for too long are busy, and nothing of them is lost',
    async check(host) {
      const driver = await host.open('busy')
      driver.run('CREATE TABLE t (value); INSERT INTO t VALUES (1)')
      driver.close()
      const handles = await handlesOf('busy')
      const hasty: Clock = { now: () => 0, after: (_, run) => systemClock.after(0, run) }
      expectEqual(await reasonOf(openBrowserDriver('busy', hasty)), 'busy')
      for (const handle of handles) handle.close()
      const again = await host.open('busy')
      expectEqual(again.all('SELECT value FROM t'), [{ value: 1 }])
      again.close()
    },
  },
  {
    name: 'where the browser gives no files the database is in memory, and says so',
    async check() {
      const given = storage()
      const getDirectory = given.getDirectory.bind(given)
      given.getDirectory = () => Promise.reject(new DOMException('private', 'SecurityError'))
      try {
        const { driver, persistent } = await openBrowserDriver('private', systemClock)
        expectEqual(persistent, false)
        driver.run('CREATE TABLE t (value); INSERT INTO t VALUES (1)')
        expectEqual(driver.all('SELECT value FROM t'), [{ value: 1 }])
        driver.close()
      } finally {
        given.getDirectory = getDirectory
      }
    },
  },
]
