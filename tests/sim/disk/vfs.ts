/**
 * SQLite's WASM build on simulated disks: a VFS in JavaScript. A path is `/<mount>/<file>`, and a
 * mount is one process's view of a disk: when the process dies all its files fail, so that what its
 * code does afterwards reaches nothing.
 */
import { DiskError } from '@parley/testkit'
import type { SimDisk } from '@parley/testkit'
import { loadSqlite } from '../../../packages/sdk/src/store/sqlite.browser.ts'
import { FileLocks, SharedMemory } from './shared-memory.ts'

export type Sqlite = Awaited<ReturnType<typeof loadSqlite>>
export type SqliteDatabase = InstanceType<Sqlite['oo1']['DB']>

type IoMethods = InstanceType<Sqlite['capi']['sqlite3_io_methods']>
/** SQLite's result codes as its types have them. */
type Code = ReturnType<IoMethods['xClose']>

type FiveNumbers = [number, number, number, number, number]

export const vfsName = 'parley-sim'
const sectorBytes = 4096
const pathBytesMax = 256
/** A file is but the pointer to its methods. */
const fileBytes = 4

/** A process's files: locks and shared memory are its own. */
export class Mount {
  readonly disk: SimDisk
  readonly name: string
  alive = true
  readonly databases = new Set<SqliteDatabase>()
  readonly locks = new Map<string, FileLocks>()
  readonly memories = new Map<string, SharedMemory>()

  constructor(disk: SimDisk, name: string) {
    this.disk = disk
    this.name = name
  }

  path(file: string): string {
    return `/${this.name}/${file}`
  }
}

interface Handle {
  mount: Mount
  file: string
  locks: FileLocks
  memory: SharedMemory
}

const mounts = new Map<string, Mount>()
const handles = new Map<number, Handle>()
let mounted = 0
let randomState = 1

export const sqlite: Sqlite = await loadSqlite()
const { capi, wasm } = sqlite
// Failing statements are what the simulation is for.
Object.assign((sqlite as unknown as { config: object }).config, { warn() {}, error() {} })

export function mountDisk(disk: SimDisk): Mount {
  const mount = new Mount(disk, `m${++mounted}`)
  mounts.set(mount.name, mount)
  return mount
}

/** Closes what a dead process left open; not to be called from inside of SQLite. */
export function unmount(mount: Mount): void {
  mount.alive = false
  for (const database of mount.databases) database.close()
  mounts.delete(mount.name)
}

/** SQLite's own randomness starts over, for one seed to decide everything. */
export function restartRandomness(): void {
  randomState = 1
  mounted = 0
  capi.sqlite3_randomness(0, 0)
}

function resolve(pointer: number): { mount: Mount; file: string } {
  const [, name = '', file = ''] = (wasm.cstrToJs(pointer) ?? '').split('/')
  const mount = mounts.get(name)
  if (!mount?.alive) throw new DiskError('dead')
  return { mount, file }
}

function handleOf(pointer: number): Handle {
  const handle = handles.get(pointer)
  if (!handle?.mount.alive) throw new DiskError('dead')
  return handle
}

/** What a failure is called in SQLite. */
function codeOf(error: unknown, otherwise: Code): Code {
  if (!(error instanceof DiskError)) throw error
  if (error.reason === 'full') return capi.SQLITE_FULL
  return error.reason === 'sync' ? capi.SQLITE_IOERR_FSYNC : otherwise
}

function attempt(otherwise: Code, work: () => Code | undefined | void): Code {
  try {
    return work() ?? capi.SQLITE_OK
  } catch (error) {
    return codeOf(error, otherwise)
  }
}

function ofMap<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

function heapAt(pointer: number, length: number): Uint8Array {
  return wasm.heap8u().subarray(pointer, pointer + length)
}

const ioMethods = new capi.sqlite3_io_methods()
Object.assign(ioMethods, { $iVersion: 2 })

const fileMethods = {
  xClose(file: number) {
    handles.get(file)?.memory.unmap(file)
    handles.get(file)?.locks.unlock(file, 0)
    handles.delete(file)
    return capi.SQLITE_OK
  },
  xRead: (file: number, into: number, length: number, offset: number) =>
    attempt(capi.SQLITE_IOERR_READ, () => {
      const { mount, file: path } = handleOf(file)
      const count = mount.disk.read(path, Number(offset), heapAt(into, length))
      return count < length ? capi.SQLITE_IOERR_SHORT_READ : capi.SQLITE_OK
    }),
  xWrite: (file: number, from: number, length: number, offset: number) =>
    attempt(capi.SQLITE_IOERR_WRITE, () => {
      const { mount, file: path } = handleOf(file)
      mount.disk.write(path, Number(offset), heapAt(from, length))
    }),
  xTruncate: (file: number, size: number) =>
    attempt(capi.SQLITE_IOERR_TRUNCATE, () => {
      const { mount, file: path } = handleOf(file)
      mount.disk.truncate(path, Number(size))
    }),
  xSync: (file: number) =>
    attempt(capi.SQLITE_IOERR_FSYNC, () => {
      const { mount, file: path } = handleOf(file)
      mount.disk.sync(path)
    }),
  xFileSize: (file: number, into: number) =>
    attempt(capi.SQLITE_IOERR_FSTAT, () => {
      const { mount, file: path } = handleOf(file)
      wasm.poke64(into, BigInt(mount.disk.size(path)))
    }),
  xLock: (file: number, level: number) =>
    attempt(capi.SQLITE_IOERR_LOCK, () =>
      handleOf(file).locks.lock(file, level) ? capi.SQLITE_OK : capi.SQLITE_BUSY,
    ),
  xUnlock(file: number, level: number) {
    handles.get(file)?.locks.unlock(file, level)
    return capi.SQLITE_OK
  },
  xCheckReservedLock: (file: number, into: number) =>
    attempt(capi.SQLITE_IOERR_CHECKRESERVEDLOCK, () => {
      wasm.poke32(into, handleOf(file).locks.isReserved() ? 1 : 0)
    }),
  xFileControl: () => capi.SQLITE_NOTFOUND,
  xSectorSize: () => sectorBytes as number as Code,
  xDeviceCharacteristics: () => capi.SQLITE_IOCAP_POWERSAFE_OVERWRITE as number as Code,
  xShmMap: (...[file, index, bytes, extend, into]: FiveNumbers) =>
    attempt(capi.SQLITE_IOERR_SHMMAP, () => {
      wasm.pokePtr(into, handleOf(file).memory.map(file, index, bytes, extend !== 0))
    }),
  xShmLock: (file: number, first: number, count: number, flags: number) =>
    attempt(capi.SQLITE_IOERR_SHMLOCK, () =>
      handleOf(file).memory.lock(file, first, count, flags) ? capi.SQLITE_OK : capi.SQLITE_BUSY,
    ),
  xShmBarrier() {},
  xShmUnmap(file: number) {
    handles.get(file)?.memory.unmap(file)
    return capi.SQLITE_OK
  },
}

function open(...[, name, file, flags, into]: FiveNumbers): Code {
  wasm.pokePtr(file, 0)
  return attempt(capi.SQLITE_CANTOPEN, () => {
    const { mount, file: path } = resolve(name)
    const { disk } = mount
    if (!disk.has(path) && !(flags & capi.SQLITE_OPEN_CREATE)) return capi.SQLITE_CANTOPEN
    disk.create(path)
    handles.set(file, {
      mount,
      file: path,
      locks: ofMap(mount.locks, path, () => new FileLocks()),
      memory: ofMap(mount.memories, path, () => new SharedMemory(sqlite)),
    })
    wasm.pokePtr(file, Number(ioMethods.pointer))
    if (into) wasm.poke32(into, flags)
    return capi.SQLITE_OK
  })
}

const vfs = new capi.sqlite3_vfs()
vfs.$iVersion = 1
vfs.$szOsFile = fileBytes
vfs.$mxPathname = pathBytesMax

sqlite.vfs.installVfs({
  io: { struct: ioMethods, methods: fileMethods },
  vfs: {
    struct: vfs,
    name: vfsName,
    asDefault: true,
    methods: {
      xOpen: open,
      xDelete: (_vfs: number, name: number) =>
        attempt(capi.SQLITE_IOERR_DELETE, () => {
          const { mount, file } = resolve(name)
          if (!mount.disk.has(file)) return capi.SQLITE_IOERR_DELETE_NOENT
          mount.disk.remove(file)
        }),
      xAccess: (_vfs: number, name: number, _flags: number, into: number) =>
        attempt(capi.SQLITE_IOERR_ACCESS, () => {
          const { mount, file } = resolve(name)
          wasm.poke32(into, mount.disk.has(file) && mount.disk.size(file) > 0 ? 1 : 0)
        }),
      xFullPathname(_vfs: number, name: number, length: number, into: number) {
        const bytes = new TextEncoder().encode(`${wasm.cstrToJs(name) ?? ''}\0`)
        if (bytes.length > length) return capi.SQLITE_CANTOPEN
        heapAt(into, bytes.length).set(bytes)
        return capi.SQLITE_OK
      },
      xRandomness(_vfs: number, length: number, into: number) {
        const bytes = heapAt(into, length)
        for (let index = 0; index < length; index++) {
          randomState = Math.imul(randomState, 0x343fd) + 0x269ec3
          bytes[index] = randomState >>> 16
        }
        return length as Code
      },
      xSleep: () => capi.SQLITE_OK,
      xCurrentTime(_vfs: number, into: number) {
        wasm.poke64f(into, 0)
        return capi.SQLITE_OK
      },
      xGetLastError: () => capi.SQLITE_OK,
    },
  },
})
