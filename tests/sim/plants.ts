/**
 * Faults planted on purpose at the ports, to show that the simulation finds such a thing. None of
 * them is in the product.
 */
import type { Log, NewEntry } from '@parley/server'
import type { SimDisk } from '@parley/testkit'
import type { SqlDriver, SqlValue } from '@parley/sdk'
import { decodeDeviceList, encodeDeviceList } from '@parley/wire'
import type { AccountId, DeviceId, LogId } from '@parley/wire'
import type { SqliteDatabase } from './disk/vfs.ts'
import type { InvariantName } from './invariants.ts'

export const plants = {
  'ack-before-durable': {
    says: 'append answers before the entry is durable, so a crash loses it',
    breaks: 'I1',
  },
  'lost-entries': {
    says: 'the log drops one entry in twenty that it said it has',
    breaks: 'I1',
  },
  'swapped-entries': {
    says: 'the log now and then stores two entries of one device in the other order',
    breaks: 'I1',
  },
  'synchronous-off': {
    says: 'the log does not wait for the disk, so a power cut loses what was accepted',
    breaks: 'I1',
  },
  'skipped-fsync': {
    says: 'the disk says that it has synced and has not',
    breaks: 'I1',
  },
  'doubled-rows': {
    says: 'a client keeps a message that came once as two',
    breaks: 'I2',
  },
  'lost-place': {
    says: 'a client puts one received message in seven before what came earlier',
    breaks: 'I3',
  },
  'order-of-arrival': {
    says: 'a client sorts what it receives by when it came, not by its stamp',
    breaks: 'I4',
  },
  'trusted-journal': {
    says: 'a server takes what a process before it left in the cache for synced',
    breaks: 'I5',
  },
  'telling-frames': {
    says: 'a client writes what it sends into a field of its frames that nobody reads',
    breaks: 'I6',
  },
  'forgotten-ratchet': {
    says: 'a client forgets one step in ten of its ratchets, and takes it again',
    breaks: 'I7',
  },
  'unverified-lists': {
    says: 'a client takes a device list for signed that is not, and the server has one for it',
    breaks: 'I8',
  },
  'unseen-backlog': {
    says: 'the gateway does not see how much waits for a slow reader',
    breaks: 'I9',
  },
  'kept-statements': {
    says: 'a client never gives back the statements of its database',
    breaks: 'I9',
  },
} as const satisfies Record<string, { says: string; breaks: InvariantName }>

export type Plant = keyof typeof plants

export function plantInDisk(disk: SimDisk, plant: Plant | undefined): void {
  if (plant === 'skipped-fsync') disk.skipsSyncs = true
}

/** The log with the fault in it. `later` runs after simulated time. */
export function plantInLog(
  log: Log,
  plant: Plant | undefined,
  later: (delayMs: number, run: () => void) => void,
): Log {
  switch (plant) {
    case 'ack-before-durable':
      return withAppend(log, (id, entry) => {
        later(400, () => void log.append(id, entry).catch(() => {}))
        return Promise.resolve()
      })
    case 'lost-entries': {
      let count = 0
      return withAppend(log, (id, entry) => {
        count++
        return count % 20 === 0 ? Promise.resolve() : log.append(id, entry)
      })
    }
    case 'swapped-entries': {
      let count = 0
      return withAppend(log, async (id, entry) => {
        count++
        if (count % 10 === 0) await new Promise<void>((resolve) => later(200, resolve))
        return log.append(id, entry)
      })
    }
    default:
      return log
  }
}

export function withAppend(log: Log, append: (id: LogId, entry: NewEntry) => Promise<void>): Log {
  return {
    append,
    read: (...input) => log.read(...input),
    heads: (...input) => log.heads(...input),
    follow: (...input) => log.follow(...input),
    commit: (...input) => log.commit(...input),
    cursors: (...input) => log.cursors(...input),
    lastSequence: (...input) => log.lastSequence(...input),
    trim: (...input) => log.trim(...input),
  }
}

/** Parameters of the statement that inserts a message, by their place. */
const inserted = { id: 2, mine: 3, sort: 7 }

interface Process {
  now: () => number
  account: () => AccountId | undefined
}

/** The client's database with the fault in it. */
export function plantInDriver(
  driver: SqlDriver,
  plant: Plant | undefined,
  { now, account }: Process,
): SqlDriver {
  switch (plant) {
    case 'doubled-rows':
      return withReceived(driver, (insert, parameters, count) => {
        if (count % 10 === 0)
          insert(changed(parameters, 'id', `f${String(parameters[2]).slice(1)}`))
        return insert(parameters)
      })
    case 'lost-place':
      return withReceived(driver, (insert, parameters, count) => {
        const sort = Number(parameters[inserted.sort])
        return insert(changed(parameters, 'sort', count % 7 === 0 ? sort - 60_000 : sort))
      })
    case 'order-of-arrival': {
      let last = 0
      return withReceived(driver, (insert, parameters) => {
        last = Math.max(now(), last + 1)
        return insert(changed(parameters, 'sort', last))
      })
    }
    case 'unverified-lists':
      return withLists(driver, account)
    case 'forgotten-ratchet':
      return withoutSomeSessions(driver)
    default:
      return driver
  }
}

type Insert = (parameters: readonly SqlValue[]) => unknown[]

function changed(
  parameters: readonly SqlValue[],
  name: keyof typeof inserted,
  value: SqlValue,
): SqlValue[] {
  return parameters.with(inserted[name], value)
}

function withReceived(
  driver: SqlDriver,
  change: (insert: Insert, parameters: readonly SqlValue[], count: number) => unknown[],
): SqlDriver {
  let count = 0
  return withAll(driver, (sql, parameters = []) => {
    const isReceived = sql.startsWith('INSERT INTO messages') && parameters[inserted.mine] === 0
    if (!isReceived) return driver.all(sql, parameters)
    return change((values) => driver.all(sql, values), parameters, ++count)
  })
}

/** Everybody else has a device that they never signed for, with the keys of their first one. */
function withLists(driver: SqlDriver, own: () => AccountId | undefined): SqlDriver {
  return withAll(driver, (sql, parameters) => {
    const rows = driver.all<{ body: Uint8Array }>(sql, parameters)
    if (!sql.startsWith('SELECT * FROM device_lists') || own() === undefined) return rows
    return rows.map((row) => {
      const list = decodeDeviceList(row.body)
      const [first] = list.devices
      if (!first || list.account === own()) return row
      const devices = [{ ...first, id: intruderOf(first.id) }, ...list.devices.slice(1)]
      return { ...row, body: encodeDeviceList({ ...list, devices }) }
    })
  })
}

function withoutSomeSessions(driver: SqlDriver): SqlDriver {
  let count = 0
  return withAll(driver, (sql, parameters = []) => {
    const isStep = sql.startsWith('UPDATE sessions SET record')
    if (!isStep || ++count % 10 > 0) return driver.all(sql, parameters)
    return [{ version: Number(parameters[4]) + 1 }]
  })
}

/** Backwards, so that the one is found from the other. */
function intruderOf(device: DeviceId): DeviceId {
  return [...device].toReversed().join('') as DeviceId
}

/** The server's part in `unverified-lists`: it has keys for a device that is not there. */
export async function plantInBundles(
  request: Request,
  asked: string,
  answer: (request: Request) => Promise<Response>,
): Promise<Response> {
  const { devices } = JSON.parse(asked) as { devices: DeviceId[] }
  const body = JSON.stringify({ devices: devices.map(intruderOf) })
  const response = await answer(new Request(request, { body }))
  if (!response.ok) return response
  const { bundles } = (await response.json()) as { bundles: { device: DeviceId }[] }
  const shown = bundles.map((bundle) => ({ ...bundle, device: intruderOf(bundle.device) }))
  return Response.json({ bundles: shown })
}

function withAll(
  driver: SqlDriver,
  all: (sql: string, parameters: readonly SqlValue[] | undefined) => unknown[],
): SqlDriver {
  return {
    run: (sql, parameters) => driver.run(sql, parameters),
    all: <Row>(sql: string, parameters?: readonly SqlValue[]) => all(sql, parameters) as Row[],
    transaction: (body) => driver.transaction(body),
    erase: () => driver.erase(),
    close: () => driver.close(),
  }
}

const unknownField = 0x7a

/** A client's frame with the fault in it. */
export function plantInFrame(bytes: Uint8Array, text: string, plant: Plant | undefined) {
  if (plant !== 'telling-frames' || text === '') return bytes
  const told = new TextEncoder().encode(text.slice(0, 100))
  return Uint8Array.from([...bytes, unknownField, told.length, ...told])
}

/** A client's database with the fault in it. */
export function plantInDatabase(
  database: SqliteDatabase,
  plant: Plant | undefined,
): SqliteDatabase {
  if (plant !== 'kept-statements') return database
  const prepare = database.prepare.bind(database)
  database.prepare = (sql) => {
    for (let kept = 0; kept < 3; kept++) prepare(sql)
    return prepare(sql)
  }
  return database
}
