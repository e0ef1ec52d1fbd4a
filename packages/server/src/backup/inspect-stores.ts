/**
 * Looks at both stores without changing them: whether SQLite finds them whole, whether this version
 * knows their formats, and whether they fit each other (BK1). What is wrong is a sentence.
 */
import { Database } from 'bun:sqlite'

export interface StorePaths {
  log: string
  accounts: string
}

/** What a manifest says about the stores, and more that is only looked at. */
export interface StoreFacts {
  incarnation: string
  newestPosition: number
  entries: number
  accounts: number
}

export interface StoreFindings {
  /** Of log and accounts; undefined where a file cannot be read at all. */
  formats: { log: number | undefined; accounts: number | undefined }
  /** Undefined when a store cannot be read far enough. */
  facts: StoreFacts | undefined
  /** Of each file by itself. */
  damage: { log: string | undefined; accounts: string | undefined }
  /** Where the two contradict each other, or themselves. */
  misfits: string[]
}

/** The formats that this version reads; a newer one is not looked into. */
export interface KnownFormats {
  log: number
  accounts: number
}

const busyTimeoutMs = 5_000
const inboxPrefixLength = 'inbox:'.length

type Damage = StoreFindings['damage']

/** `thorough`: indexes and the order of entries as well, which reads everything twice. */
export function inspectStores(options: { paths: StorePaths; thorough: boolean }): StoreFindings {
  const { paths, thorough } = options
  const formats = {
    log: readIn(paths.log, (log) => numberOf(log, 'PRAGMA user_version', 'user_version')),
    accounts: readIn(paths.accounts, accountsFormat),
  }
  const damage: Damage = {
    log: damageOf(paths.log, thorough),
    accounts: damageOf(paths.accounts, thorough),
  }
  if (damage.log !== undefined || damage.accounts !== undefined) {
    return { formats, damage, facts: undefined, misfits: [] }
  }
  const together = openReading(paths.log)
  try {
    together.run('ATTACH ? AS accounts', [paths.accounts])
    const known = contradictionsOf(together, formats.log ?? 0)
    const wanted = known.filter((each) => thorough || !each.thorough)
    return { formats, damage, facts: factsOf(together), misfits: misfitsOf(together, wanted) }
  } catch (error) {
    const says = `The tables are not those of Parley: ${messageOf(error)}.`
    return { formats, damage, facts: undefined, misfits: [says] }
  } finally {
    together.close()
  }
}

function openReading(path: string): Database {
  const database = new Database(path, { readonly: true })
  database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  return database
}

function readIn<T>(path: string, read: (database: Database) => T): T | undefined {
  let database: Database | undefined
  try {
    database = openReading(path)
    return read(database)
  } catch {
    // What stands in the way is said by damageOf.
    return undefined
  } finally {
    database?.close()
  }
}

function accountsFormat(accounts: Database): number {
  return numberOf(accounts, 'SELECT version FROM schema_version', 'version')
}

function damageOf(path: string, thorough: boolean): string | undefined {
  let database: Database | undefined
  try {
    database = openReading(path)
    const check = thorough ? 'integrity_check' : 'quick_check'
    const [row] = database.query<Record<string, string>, []>(`PRAGMA ${check}(1)`).all()
    const says = row?.[check] ?? 'SQLite says nothing'
    return says === 'ok' ? undefined : says
  } catch (error) {
    return messageOf(error)
  } finally {
    database?.close()
  }
}

function factsOf(together: Database): StoreFacts {
  const incarnation = together
    .query<{ value: string }, []>("SELECT value FROM server_state WHERE name = 'incarnation'")
    .get()
  const count = (table: string) => numberOf(together, `SELECT count(*) AS n FROM ${table}`, 'n')
  const newest =
    'SELECT max((SELECT ifnull(max(position), 0) FROM entries), ' +
    '(SELECT ifnull(max(kept), 0) FROM logs)) AS n'
  return {
    incarnation: incarnation?.value ?? '',
    newestPosition: numberOf(together, newest, 'n'),
    entries: count('entries'),
    accounts: count('accounts.accounts'),
  }
}

/** Counts of what may not be, each with its sentence. */
interface Contradiction {
  sql: string
  says: string
  thorough: boolean
}

const inEveryFormat: readonly Contradiction[] = [
  {
    sql:
      `SELECT count(*) AS n FROM logs WHERE substr(log, ${inboxPrefixLength + 1}) ` +
      'NOT IN (SELECT id FROM accounts.accounts)',
    says: 'logs belong to accounts that are not there',
    thorough: false,
  },
  {
    sql:
      'SELECT count(*) AS n FROM accounts.accounts WHERE ifnull((SELECT max(version) FROM ' +
      'accounts.device_lists WHERE account = id), 0) = 0 OR (SELECT max(version) - count(*) FROM ' +
      'accounts.device_lists WHERE account = id) <> 0',
    says: 'accounts have no whole chain of device lists',
    thorough: false,
  },
  {
    sql: 'SELECT count(*) AS n FROM entries WHERE log NOT IN (SELECT number FROM logs)',
    says: 'entries belong to no log',
    thorough: true,
  },
  {
    sql:
      'SELECT count(*) AS n FROM (SELECT prev, lag(position) OVER (PARTITION BY log ORDER BY ' +
      'position) AS before FROM entries) WHERE before IS NOT NULL AND before <> prev',
    says: 'entries do not follow the one before them',
    thorough: true,
  },
]

const indexed = '(SELECT position FROM indexed)'
const knownDevices = 'SELECT device FROM sequences UNION SELECT device FROM cursors'
const lateDevices = `SELECT lower(hex(device)) FROM entries WHERE position > ${indexed} AND device IS NOT NULL`

const strangeDevices = (devices: string): Contradiction => ({
  sql:
    `WITH found (device) AS (${devices}) SELECT count(*) AS n FROM found ` +
    'WHERE device NOT IN (SELECT id FROM accounts.devices)',
  says: 'devices have sent or read and are not there',
  thorough: false,
})

/** Since format 2 of the log, what finds its entries is tables, and written late. */
const sinceFormat2: readonly Contradiction[] = [
  {
    sql:
      `SELECT count(*) AS n FROM entries WHERE position <= ${indexed} AND NOT EXISTS (SELECT 1 ` +
      'FROM places WHERE places.log = entries.log AND places.position = entries.position)',
    says: 'entries are not found in their log',
    thorough: true,
  },
  {
    sql:
      'SELECT count(*) AS n FROM places WHERE NOT EXISTS (SELECT 1 FROM entries WHERE ' +
      'entries.position = places.position AND entries.log = places.log)',
    says: 'entries are gone and still looked for',
    thorough: true,
  },
  {
    sql:
      'SELECT count(*) AS n FROM (SELECT lower(hex(device)) AS device, log, max(sequence) AS ' +
      `newest FROM entries WHERE position <= ${indexed} AND device IS NOT NULL GROUP BY device, ` +
      'log) LEFT JOIN sequences USING (device, log) WHERE ifnull(sequence, 0) < newest',
    says: 'last send sequences are older than what was sent',
    thorough: true,
  },
]

/** A format 1 whose migration has not ended is found by its old index, which is still whole. */
function contradictionsOf(together: Database, logFormat: number): readonly Contradiction[] {
  const old = "SELECT count(*) AS n FROM main.sqlite_master WHERE name = 'entries_by_log'"
  if (logFormat < 2 || numberOf(together, old, 'n') > 0) {
    return [strangeDevices(knownDevices), ...inEveryFormat]
  }
  const devices = `${knownDevices} UNION ${lateDevices}`
  return [strangeDevices(devices), ...inEveryFormat, ...sinceFormat2]
}

function misfitsOf(together: Database, wanted: readonly Contradiction[]): string[] {
  return wanted.flatMap(({ sql, says }) => {
    const found = numberOf(together, sql, 'n')
    return found === 0 ? [] : [`${found} ${says}.`]
  })
}

function numberOf(database: Database, sql: string, column: string): number {
  return database.query<Record<string, number>, []>(sql).get()?.[column] ?? 0
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
