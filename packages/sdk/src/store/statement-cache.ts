/**
 * Prepared statements by their text, so that each is compiled once; the least recently used go when
 * there are too many.
 */

const statementsMax = 200

interface Finalizable {
  finalize(): unknown
}

export class StatementCache<Statement extends Finalizable> {
  readonly #statements = new Map<string, Statement>()
  readonly #prepare: (sql: string) => Statement

  constructor(prepare: (sql: string) => Statement) {
    this.#prepare = prepare
  }

  get(sql: string): Statement {
    const statement = this.#statements.get(sql) ?? this.#prepare(sql)
    // A Map keeps the order of insertion: the first is the one used longest ago.
    this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > statementsMax) this.#dropOldest()
    return statement
  }

  clear(): void {
    for (const statement of this.#statements.values()) statement.finalize()
    this.#statements.clear()
  }

  #dropOldest(): void {
    const [oldest] = this.#statements
    if (!oldest) return
    this.#statements.delete(oldest[0])
    oldest[1].finalize()
  }
}
