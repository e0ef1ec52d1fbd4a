/**
 * A query that runs for every login and most messages: compiled once, since Kysely takes longer to
 * compile a query than SQLite to answer it.
 */
import type { CompiledQuery } from 'kysely'
import type { Sql } from '../backends/sql/sql.ts'

/** Stands in the compiled query for what is asked for; no id looks like it. */
const asked = '\0asked'

export function prepared<Row>(
  build: (sql: Sql, key: string) => { compile(): CompiledQuery<Row> },
): (sql: Sql, key: string) => Promise<Row[]> {
  const compiled = new WeakMap<Sql, CompiledQuery<Row>>()
  return async (sql, key) => {
    const query = compiled.get(sql) ?? build(sql, asked).compile()
    compiled.set(sql, query)
    const parameters = query.parameters.map((value) => (value === asked ? key : value))
    const { rows } = await sql.executeQuery<Row>({ ...query, parameters })
    return rows
  }
}
