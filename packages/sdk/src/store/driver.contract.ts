/**
 * What every SqlDriver must do. Plain functions without a test runner, so that the same suite runs
 * under Bun and in a browser's worker.
 */
import { type SqlDriver, StoreError } from '../platform/ports.ts'

/** Where the suite's databases live; each name is a file of its own. */
export interface DriverHost {
  open(name: string): Promise<SqlDriver>
  /** Puts bytes over the start of the closed file. */
  overwrite(name: string, bytes: Uint8Array): Promise<void>
}

export interface DriverCase {
  name: string
  check(host: DriverHost): Promise<void>
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the driver contract is broken: ${what}`)
}

function expectEqual(actual: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(wanted)]
  expect(left === right, `${left} should be ${right}`)
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

function expectReason(error: unknown, reason: StoreError['reason']): void {
  const found = error instanceof StoreError ? error.reason : String(error)
  expectEqual(found, reason)
}

function values(driver: SqlDriver): unknown[] {
  return driver
    .all<{ value: unknown }>('SELECT value FROM t ORDER BY rowid')
    .map((row) => row.value)
}

async function opened(host: DriverHost, name: string): Promise<SqlDriver> {
  const driver = await host.open(name)
  driver.run('CREATE TABLE t (value)')
  return driver
}

const valueCases: DriverCase[] = [
  {
    name: 'numbers up to 2^53-1, text, bytes and null come back as they went in',
    async check(host) {
      const driver = await opened(host, 'values')
      const text = 'grüße, سلام, 👋\u0000end'
      for (const value of [Number.MAX_SAFE_INTEGER, -1, 0.5, text, null, 7n]) {
        driver.run('INSERT INTO t VALUES (?)', [value])
      }
      expectEqual(values(driver), [Number.MAX_SAFE_INTEGER, -1, 0.5, text, null, 7])
      driver.run('UPDATE t SET value = ?', [Uint8Array.of(0, 255, 1)])
      const [bytes] = values(driver)
      expect(bytes instanceof Uint8Array, 'bytes are a Uint8Array')
      expectEqual([...(bytes as Uint8Array)], [0, 255, 1])
      driver.close()
    },
  },
  {
    name: 'a large whole number is an integer in the file, so that positions sort and compare',
    async check(host) {
      const driver = await opened(host, 'integers')
      driver.run('INSERT INTO t VALUES (?)', [2 ** 52])
      expectEqual(driver.all('SELECT typeof(value) AS type FROM t'), [{ type: 'integer' }])
      driver.close()
    },
  },
  {
    name: 'bytes that were read do not change with what is written later',
    async check(host) {
      const driver = await opened(host, 'copies')
      driver.run('INSERT INTO t VALUES (?)', [Uint8Array.of(1, 2, 3)])
      const [bytes] = values(driver)
      driver.run('UPDATE t SET value = ?', [Uint8Array.of(9, 9, 9)])
      expectEqual(values(driver).length, 1)
      expectEqual([...(bytes as Uint8Array)], [1, 2, 3])
      driver.close()
    },
  },
  {
    name: 'empty bytes are not null',
    async check(host) {
      const driver = await opened(host, 'empty')
      driver.run('INSERT INTO t VALUES (?)', [new Uint8Array()])
      const rows = driver.all('SELECT typeof(value) AS type, length(value) AS length FROM t')
      expectEqual(rows, [{ type: 'blob', length: 0 }])
      const [bytes] = values(driver)
      expect(bytes instanceof Uint8Array && bytes.length === 0, 'empty bytes come back empty')
      driver.close()
    },
  },
  {
    name: 'a script of several statements runs to its end',
    async check(host) {
      const driver = await host.open('script')
      driver.run('CREATE TABLE a (x); CREATE TABLE b (x); INSERT INTO b VALUES (1)')
      expectEqual(driver.all('SELECT x FROM b'), [{ x: 1 }])
      driver.close()
    },
  },
  {
    name: 'more different statements than the cache holds work, the early ones too',
    async check(host) {
      const driver = await opened(host, 'many')
      driver.run('INSERT INTO t VALUES (?)', [1])
      for (let round = 0; round < 2; round++) {
        for (let number = 0; number < 450; number++) {
          const rows = driver.all(`SELECT value + ${number} AS sum FROM t`)
          expectEqual(rows, [{ sum: number + 1 }])
        }
      }
      driver.close()
    },
  },
  {
    name: 'FTS5 is there',
    async check(host) {
      const driver = await host.open('search')
      driver.run("CREATE VIRTUAL TABLE f USING fts5 (text, tokenize='unicode61', prefix='2 3')")
      driver.run('INSERT INTO f VALUES (?)', ['Zürich by night'])
      expectEqual(driver.all('SELECT text FROM f WHERE f MATCH ?', ['zur*']).length, 1)
      driver.close()
    },
  },
]

const transactionCases: DriverCase[] = [
  {
    name: 'a transaction gives what its body returns and is there after it was opened again',
    async check(host) {
      const driver = await opened(host, 'commit')
      const outcome = driver.transaction(() => {
        driver.run('INSERT INTO t VALUES (?)', [1])
        return 'done'
      })
      expectEqual(outcome, 'done')
      driver.close()
      const again = await host.open('commit')
      expectEqual(values(again), [1])
      again.close()
    },
  },
  {
    name: 'a body that throws leaves nothing behind, its error comes out, and the next one works',
    async check(host) {
      const driver = await opened(host, 'rollback')
      const stop = new Error('stop')
      const thrown = thrownBy(() =>
        driver.transaction(() => {
          driver.run('INSERT INTO t VALUES (?)', [1])
          throw stop
        }),
      )
      expect(thrown === stop, 'the error of the body comes out')
      expectEqual(values(driver), [])
      driver.transaction(() => driver.run('INSERT INTO t VALUES (?)', [2]))
      expectEqual(values(driver), [2])
      driver.close()
    },
  },
  {
    name: 'a transaction inside another is refused, and the outer one leaves nothing behind',
    async check(host) {
      const driver = await opened(host, 'nested')
      const outer = () => {
        driver.run('INSERT INTO t VALUES (?)', [1])
        driver.transaction(() => driver.run('INSERT INTO t VALUES (?)', [2]))
      }
      expectReason(
        thrownBy(() => driver.transaction(outer)),
        'failed',
      )
      expectEqual(values(driver), [])
      driver.close()
    },
  },
  {
    name: 'a body that returns a promise is refused: no transaction spans an await',
    async check(host) {
      const driver = await opened(host, 'await')
      const body = async () => driver.run('INSERT INTO t VALUES (?)', [1])
      expectReason(
        thrownBy(() => driver.transaction(body)),
        'failed',
      )
      expectEqual(values(driver), [])
      driver.close()
    },
  },
  {
    name: 'a broken constraint is a StoreError that names no value',
    async check(host) {
      const driver = await host.open('constraint')
      driver.run('CREATE TABLE u (x TEXT PRIMARY KEY)')
      driver.run('INSERT INTO u VALUES (?)', ['secret'])
      const thrown = thrownBy(() => driver.run('INSERT INTO u VALUES (?)', ['secret']))
      expectReason(thrown, 'failed')
      expect(!String(thrown).includes('secret'), 'the message names no value')
      driver.close()
    },
  },
  {
    name: 'foreign keys are enforced',
    async check(host) {
      const driver = await host.open('foreign')
      driver.run('CREATE TABLE p (id INTEGER PRIMARY KEY)')
      driver.run('CREATE TABLE c (p REFERENCES p (id))')
      expectReason(
        thrownBy(() => driver.run('INSERT INTO c VALUES (?)', [1])),
        'failed',
      )
      driver.close()
    },
  },
]

const fileCases: DriverCase[] = [
  {
    name: 'a full disk is said, leaves what was there, and is over when there is room',
    async check(host) {
      const driver = await opened(host, 'full')
      driver.run('INSERT INTO t VALUES (?)', ['kept'])
      driver.run('PRAGMA max_page_count = 4')
      const large = () => driver.run('INSERT INTO t VALUES (?)', ['x'.repeat(100_000)])
      expectReason(
        thrownBy(() => driver.transaction(large)),
        'full',
      )
      expectEqual(values(driver), ['kept'])
      driver.run('PRAGMA max_page_count = 1000000')
      driver.transaction(large)
      expectEqual(values(driver).length, 2)
      driver.close()
    },
  },
  {
    name: 'a file that is no database is said to be corrupt when it is opened',
    async check(host) {
      const driver = await opened(host, 'corrupt')
      driver.close()
      await host.overwrite('corrupt', new Uint8Array(8192).fill(0x55))
      const outcome = await host.open('corrupt').then(
        (again) => again.close(),
        (error: unknown) => error,
      )
      expectReason(outcome, 'corrupt')
    },
  },
  {
    name: 'erase leaves an empty database that can be used again, and no trace in the file',
    async check(host) {
      const driver = await opened(host, 'erase')
      driver.run('PRAGMA user_version = 7')
      driver.run('CREATE TABLE child (t REFERENCES t (rowid)); CREATE INDEX i ON t (value)')
      driver.run('CREATE VIRTUAL TABLE f USING fts5 (text); CREATE VIEW v AS SELECT value FROM t')
      driver.run('INSERT INTO t VALUES (?)', ['x'.repeat(50_000)])
      driver.erase()
      expectEqual(driver.all('SELECT name FROM sqlite_schema'), [])
      expectEqual(driver.all('PRAGMA user_version'), [{ user_version: 0 }])
      const [pages] = driver.all<{ page_count: number }>('PRAGMA page_count')
      expect((pages?.page_count ?? 99) <= 2, 'the pages are given back')
      driver.run('CREATE TABLE t (value)')
      expectEqual(values(driver), [])
      driver.close()
    },
  },
]

export const driverContract: readonly DriverCase[] = [
  ...valueCases,
  ...transactionCases,
  ...fileCases,
]
