/**
 * For tests: a profile whose process can die at a chosen commit, before or after it, and is opened
 * again on the same database.
 */
import type { Database } from 'bun:sqlite'
import { nobleCurve } from '@parley/crypto/reference'
import { openClient } from '../client.ts'
import { systemClock } from '../platform/clock.ts'
import type { Socket, SqlDriver } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { bunTransport } from '../platform/transport.bun.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import { ParleyError } from '../types.ts'
import type { Client, LiveQuery } from '../types.ts'

const gone = () => new ParleyError({ code: 'internal', says: 'the process is gone' })

export interface CrashPlan {
  /** Which commit from now on; 0: none. */
  atCommit: number
  /** Dies before the commit, or right after it. */
  when: 'before' | 'after'
}

export class CrashingProfile {
  readonly #database: Database
  readonly #url: string
  readonly messageKeys: string[] = []
  client: Client
  #end: () => void = () => {}
  /** Resolves when the process dies as planned. */
  #died: Promise<void> = Promise.resolve()
  /** Those that went as planned. */
  crashes = 0

  constructor(database: Database, url: string) {
    this.#database = database
    this.#url = url
    this.client = this.#open({ atCommit: 0, when: 'after' })
  }

  /** The process so far is gone; the next one dies as planned. */
  restart(plan: CrashPlan): void {
    this.#end()
    this.client = this.#open(plan)
    this.client.start()
  }

  /** Resolves when the query's answer satisfies, or the process has died. */
  async until<T>(query: LiveQuery<T>, satisfied: (value: T) => boolean): Promise<void> {
    const done = Promise.withResolvers<void>()
    const check = () => {
      if (satisfied(query.getSnapshot())) done.resolve()
    }
    const end = query.subscribe(check)
    try {
      check()
      await Promise.race([done.promise, this.#died])
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error
    } finally {
      end()
    }
  }

  end(): void {
    this.#end()
  }

  #open(plan: CrashPlan): Client {
    let alive = true
    let commits = 0
    const sockets = new Set<Socket>()
    const died = Promise.withResolvers<void>()
    this.#died = died.promise
    const end = () => {
      alive = false
      for (const socket of sockets) socket.close(1000)
    }
    const die = () => {
      end()
      this.crashes++
      died.resolve()
    }
    this.#end = end
    const check = () => {
      if (!alive) throw gone()
    }
    const inner = openBunDriver(this.#database)
    const driver: SqlDriver = {
      run: (sql, parameters) => {
        check()
        inner.run(sql, parameters)
      },
      all: (sql, parameters) => {
        check()
        return inner.all(sql, parameters)
      },
      transaction: (body) => {
        check()
        commits++
        const dies = commits === plan.atCommit
        if (dies && plan.when === 'before') die()
        check()
        const outcome = inner.transaction(body)
        if (dies) die()
        check()
        return outcome
      },
      erase: () => inner.erase(),
      close: () => {},
    }
    return openClient({
      driver,
      clock: {
        now: systemClock.now,
        after: (delayMs, run) => systemClock.after(delayMs, () => alive && run()),
      },
      random: systemRandom,
      transport: {
        openSocket: (url, handlers) => {
          const socket = bunTransport.openSocket(url, {
            open: () => alive && handlers.open(),
            message: (bytes) => alive && handlers.message(bytes),
            closed: (code) => alive && handlers.closed(code),
          })
          sockets.add(socket)
          return {
            send: (bytes) => alive && socket.send(bytes),
            bufferedBytes: () => socket.bufferedBytes(),
            close: (code) => socket.close(code),
          } as Socket
        },
        fetch: async (request) => {
          check()
          const response = await bunTransport.fetch(request)
          check()
          return response
        },
      },
      curve: nobleCurve,
      server: this.#url,
      recordEvents: true,
      observeMessageKey: (id) => this.messageKeys.push(id),
    })
  }
}
