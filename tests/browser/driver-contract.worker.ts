/** Runs the driver contract on OPFS and tells the page how each case went. */
import { driverContract, type DriverHost } from '../../packages/sdk/src/store/driver.contract.ts'
import { openBrowserDriver } from '../../packages/sdk/src/store/sqlite.browser.ts'
import { systemClock } from '../../packages/sdk/src/platform/clock.ts'

export interface CaseReport {
  name: string
  failure: string | undefined
}

interface SyncAccessHandle {
  write(bytes: Uint8Array, options: { at: number }): number
  flush(): void
  close(): void
}
interface FileHandle {
  kind: string
  createSyncAccessHandle(): Promise<SyncAccessHandle>
}
interface Directory {
  getDirectoryHandle(name: string): Promise<Directory>
  values(): AsyncIterable<FileHandle>
}

/** Where the pool puts a file's content, after the name. */
const contentAt = 4096

const host: DriverHost = {
  async open(name) {
    const { driver, persistent } = await openBrowserDriver(name, systemClock)
    if (!persistent) throw new Error('the database is in memory')
    return driver
  },
  async overwrite(name, bytes) {
    const { storage } = navigator as unknown as { storage: { getDirectory(): Promise<Directory> } }
    const folder = await (await storage.getDirectory()).getDirectoryHandle(`parley-${name}`)
    const files = await folder.getDirectoryHandle('.opaque')
    for await (const file of files.values()) {
      const handle = await file.createSyncAccessHandle()
      handle.write(bytes, { at: contentAt })
      handle.flush()
      handle.close()
    }
  },
}

const reports: CaseReport[] = []
for (const { name, check } of driverContract) {
  const failure = await check(host).then(
    () => undefined,
    (error: unknown) => String(error),
  )
  reports.push({ name, failure })
}
postMessage(reports)
