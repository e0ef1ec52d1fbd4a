/** When the logs are trimmed, and when the clock is not believed. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestClock } from '@parley/testkit'
import { positionAt } from '@parley/wire'
import { MemoryLog, MemoryStore } from './backends/log/log-memory.ts'
import { openSqliteSql } from './backends/sql/sql-sqlite.ts'
import type { Sql } from './backends/sql/sql.ts'
import { openLogger } from './logger.ts'
import { startRetention } from './retention.ts'

const hour = 60 * 60 * 1000
const day = 24 * hour
const year = 365 * day
const retentionDays = 90
const random = (length: number) => new Uint8Array(length)

/** A server that goes up and down on one data folder; its clock can be set. */
class Box implements AsyncDisposable {
  readonly #folder: string
  readonly #sql: Sql
  readonly #store = new MemoryStore(10)
  /** The positions before which entries were trimmed. */
  readonly trims: number[] = []
  readonly warnings: string[] = []
  #clock = new TestClock()
  /** How far the wall clock is off the time that passes. */
  #offMs = 0
  #stop = () => {}

  private constructor(folder: string, sql: Sql) {
    this.#folder = folder
    this.#sql = sql
  }

  static async open(): Promise<Box> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-retention-'))
    return new Box(folder, await openSqliteSql(join(folder, 'accounts.sqlite')))
  }

  start(): void {
    const logger = openLogger('silent')
    logger.warn = (...given: unknown[]) => void this.warnings.push(String(given.at(-1)))
    const clock = {
      now: () => this.#clock.now() + this.#offMs,
      after: (delayMs: number, run: () => void) => this.#clock.after(delayMs, run),
    }
    const log = new MemoryLog({
      store: this.#store,
      clock,
      random,
      logger,
      delayMsMax: 0,
      onParked: undefined,
    })
    const trim = log.trim.bind(log)
    log.trim = (before) => {
      this.trims.push(before)
      return trim(before)
    }
    this.#stop = startRetention({ log, clock, logger, sql: this.#sql }, retentionDays)
  }

  stop(): void {
    this.#stop()
  }

  setClock(aheadMs: number): void {
    this.#offMs = aheadMs
  }

  /** Hours pass; how often the logs were trimmed in them. */
  async pass(hours: number): Promise<number> {
    const before = this.trims.length
    for (let passed = 0; passed < hours; passed++) {
      this.#clock.advance(hour)
      // What an hour started is done when the store has answered.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    return this.trims.length - before
  }

  off(ms: number): void {
    this.#clock.advance(ms)
  }

  expectedTrim(): number {
    return positionAt(this.#clock.now() + this.#offMs - retentionDays * day)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.#sql.destroy()
    rmSync(this.#folder, { recursive: true })
  }
}

test('[L9] the logs are trimmed once an hour, of what is older than the retention', async () => {
  await using box = await Box.open()
  box.start()
  expect(await box.pass(1)).toBe(1)
  expect(box.trims).toEqual([box.expectedTrim()])
  expect(await box.pass(5)).toBe(5)
  expect(box.trims.at(-1)).toBe(box.expectedTrim())
})

// One look at a clock that was a year ahead for a minute removed everything that people had not
// fetched.
test('[L9] while the clock is a year ahead nothing is trimmed, and it goes on when it is right again', async () => {
  await using box = await Box.open()
  box.start()
  await box.pass(3)
  box.setClock(year)
  expect(await box.pass(1)).toBe(0)
  expect(box.warnings).toHaveLength(1)
  expect(await box.pass(20)).toBe(0)
  box.setClock(0)
  await box.pass(80)
  expect(box.trims.at(-1)).toBe(box.expectedTrim())
})

test('[L9] a clock that is a year ahead when the server starts is not believed either', async () => {
  await using box = await Box.open()
  box.start()
  await box.pass(3)
  box.stop()
  box.setClock(year)
  for (let restart = 0; restart < 3; restart++) {
    box.start()
    expect(await box.pass(30)).toBe(0)
    box.stop()
  }
  box.setClock(0)
  box.start()
  expect(await box.pass(2)).toBe(2)
})

test('[L9] who was down for a day trims at the next hour; for a month, after three days', async () => {
  await using box = await Box.open()
  box.start()
  await box.pass(3)
  box.stop()
  box.off(day)
  box.start()
  expect(await box.pass(1)).toBe(1)
  box.stop()
  box.off(30 * day)
  box.start()
  expect(await box.pass(72)).toBe(0)
  expect(await box.pass(1)).toBe(1)
  expect(box.trims.at(-1)).toBe(box.expectedTrim())
})

test('[L9] a clock that is set back trims less, and is not believed when it jumps ahead again', async () => {
  await using box = await Box.open()
  box.start()
  await box.pass(2)
  box.setClock(-year)
  expect(await box.pass(2)).toBe(2)
  expect(box.trims.at(-1)).toBe(box.expectedTrim())
  box.setClock(0)
  expect(await box.pass(1)).toBe(0)
  expect(await box.pass(80)).toBeGreaterThan(0)
})
