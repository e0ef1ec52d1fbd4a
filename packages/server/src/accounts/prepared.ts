/**
 * Queries that run for every login: compiled once, since Kysely takes longer to compile a query
 * than SQLite to answer it.
 */
import type { CompiledQuery } from 'kysely'
import type { Sql } from '../backends/sql/sql.ts'

type Given = readonly (string | number)[]

/** Stand in the compiled query for what will be given; no id looks like them. */
const places = ['\0first', '\0second']

/** The query is built with something in place of what is given, which must not decide its shape. */
export function prepared<Row, Parameters extends Given>(
  build: (sql: Sql, ...given: Parameters) => { compile(): CompiledQuery<Row> },
): (sql: Sql, ...given: Parameters) => Promise<Row[]> {
  // By what is the same for a store and its transactions.
  const compiled = new WeakMap<object, CompiledQuery<Row>>()
  return async (sql, ...given) => {
    const { adapter } = sql.getExecutor()
    const query =
      compiled.get(adapter) ?? build(sql, ...(places as unknown as Parameters)).compile()
    compiled.set(adapter, query)
    const parameters = query.parameters.map(
      (value) => given[places.indexOf(value as string)] ?? value,
    )
    const { rows } = await sql.executeQuery<Row>({ ...query, parameters })
    return rows
  }
}
