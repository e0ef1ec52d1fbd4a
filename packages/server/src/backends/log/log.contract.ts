/** What every adapter of the log has to pass: rules L1-L8 of docs/spec/log.md. */
import { afterEach, describe, expect, test } from 'bun:test'
import { accountIdFromRandom, deviceIdOf, inboxOf } from '@parley/wire'
import type { DeviceId, LogId } from '@parley/wire'
import { SimRandom } from '../../../../testkit/src/sim/random.ts'
import { LogUnavailable } from './log.ts'
import type { Log, LogEntry } from './log.ts'
import type { LogRig } from './log-rig.contract.ts'

export interface LogVariant {
  /** Refuses after a few appends that wait, or are stored. */
  tight: boolean
}
export interface LogDeviation {
  reason: string
  /** Rule id at the start of the tests that do not hold. */
  rule: string
}

export function describeLog(
  name: string,
  make: (variant: LogVariant) => Promise<LogRig>,
  { skip }: { skip: readonly LogDeviation[] },
): void {
  const rigs: LogRig[] = []
  const start = async (variant: LogVariant = { tight: false }) => {
    const rig = await make(variant)
    rigs.push(rig)
    return rig
  }
  const rule = (title: string, run: () => Promise<void>) => {
    const deviation = skip.find((each) => title.startsWith(`[${each.rule}]`))
    if (deviation) test.skip(`${title} (${deviation.reason})`, run)
    else test(title, run, 30_000)
  }
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]()
  })
  describe(name, () => {
    describeAppend(start, rule)
    describeRead(start, rule)
    describeFollow(start, rule)
    describeCursors(start, rule)
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      rule(`[L1-L8] a log used at random holds what its model holds (seed ${seed})`, async () =>
        compareWithModel(await start(), new SimRandom(seed)),
      )
    }
  })
}

type Start = (variant?: LogVariant) => Promise<LogRig>
type Rule = (title: string, run: () => Promise<void>) => void

const ids = new SimRandom(20260101)
const newLog = (): LogId => inboxOf(accountIdFromRandom(ids.bytes(16)))
const newDevice = (): DeviceId => deviceIdOf(ids.bytes(16))
const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (entry: LogEntry) => new TextDecoder().decode(entry.body)

function entryOf(text: string, device?: DeviceId, sequence = 0) {
  return { origin: device && { device, sequence }, body: bytesOf(text) }
}

/** Every entry of the log, page by page. */
async function readAll(log: Log, id: LogId, after = 0): Promise<LogEntry[]> {
  const all: LogEntry[] = []
  for (let position = after; ; ) {
    const page = await log.read(id, position, 7)
    all.push(...page.entries)
    if (page.atEnd) return all
    position = all.at(-1)?.position ?? position
  }
}

async function shown(rig: LogRig, id: LogId, count: number): Promise<LogEntry[]> {
  await rig.until(async () => (await readAll(rig.log, id)).length >= count)
  return readAll(rig.log, id)
}

function describeAppend(start: Start, rule: Rule): void {
  rule('[L1] what was appended is there after a crash', async () => {
    const rig = await start()
    const id = newLog()
    await rig.finish(rig.log.append(id, entryOf('kept')))
    await rig.crash()
    expect((await shown(rig, id, 1)).map(textOf)).toEqual(['kept'])
  })

  rule(
    '[L1] what waited for the writer at a crash is stored once when it is repeated',
    async () => {
      const rig = await start()
      const id = newLog()
      const device = newDevice()
      for (let n = 1; n <= 20; n++)
        void rig.log.append(id, entryOf(`${n}`, device, n)).catch(() => {})
      await rig.crash()
      for (let n = 1; n <= 20; n++) await rig.finish(rig.log.append(id, entryOf(`${n}`, device, n)))
      const expected = Array.from({ length: 20 }, (_, index) => `${index + 1}`)
      expect((await shown(rig, id, 20)).map(textOf)).toEqual(expected)
    },
  )

  rule('[L2] entries keep the order in which each device sent them', async () => {
    const rig = await start()
    const id = newLog()
    const devices = [newDevice(), newDevice(), newDevice()]
    const appends: Promise<void>[] = []
    for (let n = 1; n <= 200; n++) {
      for (const [index, device] of devices.entries()) {
        appends.push(rig.log.append(id, entryOf(`${index} ${n}`, device, n)))
      }
    }
    await rig.finish(Promise.all(appends))
    const texts = (await shown(rig, id, 600)).map(textOf)
    for (const index of devices.keys()) {
      const own = texts.filter((text) => text.startsWith(`${index} `))
      expect(own).toEqual(Array.from({ length: 200 }, (_, n) => `${index} ${n + 1}`))
    }
  })

  rule('[L2] what was handed in behind a refused append is refused too', async () => {
    const rig = await start({ tight: true })
    const id = newLog()
    const device = newDevice()
    const outcomes = await rig.finish(
      Promise.allSettled(
        Array.from({ length: 400 }, (_, n) =>
          rig.log.append(id, {
            origin: { device, sequence: n + 1 },
            body: new Uint8Array(n % 2 === 0 ? 2_000 : 1),
          }),
        ),
      ),
    )
    const firstRefused = outcomes.findIndex(({ status }) => status === 'rejected')
    expect(firstRefused).toBeGreaterThan(0)
    for (const outcome of outcomes.slice(firstRefused)) {
      expect(outcome.status).toBe('rejected')
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(LogUnavailable)
    }
    expect(await shown(rig, id, firstRefused)).toHaveLength(firstRefused)
  })

  rule('[L3] an append with a known send sequence stores nothing, and resolves', async () => {
    const rig = await start()
    const id = newLog()
    const device = newDevice()
    for (const sequence of [5, 5, 3, 9, 9, 5, 10]) {
      await rig.finish(rig.log.append(id, entryOf(`${sequence}`, device, sequence)))
    }
    await rig.crash()
    await rig.finish(rig.log.append(id, entryOf('again', device, 10)))
    await rig.finish(rig.log.append(id, entryOf('11', device, 11)))
    expect((await shown(rig, id, 4)).map(textOf)).toEqual(['5', '9', '10', '11'])
  })

  rule(
    '[L3] the same sequence of another device, or for another log, is another entry',
    async () => {
      const rig = await start()
      const [one, other] = [newLog(), newLog()]
      const device = newDevice()
      await rig.finish(rig.log.append(one, entryOf('a', device, 7)))
      await rig.finish(rig.log.append(one, entryOf('b', newDevice(), 7)))
      await rig.finish(rig.log.append(other, entryOf('c', device, 7)))
      expect((await shown(rig, one, 2)).map(textOf)).toEqual(['a', 'b'])
      expect((await shown(rig, other, 1)).map(textOf)).toEqual(['c'])
    },
  )

  rule('[L3] what the server writes itself may stand twice', async () => {
    const rig = await start()
    const id = newLog()
    await rig.finish(rig.log.append(id, entryOf('twice')))
    await rig.finish(rig.log.append(id, entryOf('twice')))
    expect(await shown(rig, id, 2)).toHaveLength(2)
  })

  rule('[L4] positions grow although the clock goes back, before and after a restart', async () => {
    const rig = await start()
    const id = newLog()
    for (const skewMs of [0, -60_000, -3_600_000, 5_000]) {
      rig.skew(skewMs)
      await rig.finish(rig.log.append(id, entryOf('x')))
      await rig.crash()
    }
    const entries = await shown(rig, id, 4)
    const positions = entries.map(({ position }) => position)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(new Set(positions).size).toBe(4)
    expect(entries.map(({ prev }) => prev)).toEqual([0, ...positions.slice(0, 3)])
  })

  rule('an append after the end is refused as closed', async () => {
    const rig = await start()
    await rig.end()
    const refused = await rig.log.append(newLog(), entryOf('late')).catch((error) => error)
    expect(refused).toBeInstanceOf(LogUnavailable)
    expect(refused.reason).toBe('closed')
  })
}

function describeRead(start: Start, rule: Rule): void {
  rule(
    '[L5] nothing ever appears at or below a position that a reader has been given',
    async () => {
      const rig = await start()
      const [id, other] = [newLog(), newLog()]
      const seen: LogEntry[] = []
      let position = 0
      for (let round = 0; round < 40; round++) {
        const device = newDevice()
        for (let n = 1; n <= 5; n++) {
          void rig.log.append(n % 2 === 0 ? other : id, entryOf(`${round} ${n}`, device, n))
        }
        await rig.step()
        const page = await rig.log.read(id, position, 3)
        seen.push(...page.entries)
        position = page.entries.at(-1)?.position ?? position
      }
      const all = await shown(rig, id, 120)
      expect(all.slice(0, seen.length)).toEqual(seen)
    },
  )

  rule('[L4] each entry names the one before it, on every page', async () => {
    const rig = await start()
    const [id, other] = [newLog(), newLog()]
    for (let n = 0; n < 30; n++) void rig.log.append(n % 3 === 0 ? other : id, entryOf(`${n}`))
    const entries = await shown(rig, id, 20)
    const positions = entries.map(({ position }) => position)
    expect(entries.map(({ prev }) => prev)).toEqual([0, ...positions.slice(0, -1)])
    const [, second] = entries
    const page = await rig.log.read(id, second?.position ?? 0, 2)
    expect(page.entries).toEqual(entries.slice(2, 4))
    expect(page.atEnd).toBe(false)
  })

  rule('an unknown log is empty', async () => {
    const { log } = await start()
    const page = await log.read(newLog(), 0, 10)
    expect(page).toEqual({ entries: [], expiredUpTo: 0, atEnd: true })
    expect(await log.heads([newLog()])).toEqual([0])
    expect(await log.lastSequence(newDevice(), newLog())).toBe(0)
  })

  rule('heads come in the order that was asked for', async () => {
    const rig = await start()
    const logs = Array.from({ length: 600 }, newLog)
    const used = logs.filter((_, index) => index % 7 === 0)
    await rig.finish(Promise.all(used.map((id) => rig.log.append(id, entryOf('x')))))
    for (const id of used) await shown(rig, id, 1)
    const heads = await rig.finish(rig.log.heads(logs))
    expect(heads.map((head) => head > 0)).toEqual(logs.map((_, index) => index % 7 === 0))
  })

  rule('[L7] a reader older than the log is told so, and starts at the oldest', async () => {
    const rig = await start()
    const id = newLog()
    for (let n = 1; n <= 4; n++) await rig.finish(rig.log.append(id, entryOf(`${n}`)))
    const [first, second, third] = await shown(rig, id, 4)
    if (!first || !second || !third) throw new Error('entries are missing')
    await rig.finish(rig.log.trim(third.position))
    const page = await rig.log.read(id, first.position, 10)
    expect(page.entries.map(textOf)).toEqual(['3', '4'])
    expect(page.expiredUpTo).toBe(second.position)
    expect((await rig.log.read(id, 0, 10)).expiredUpTo).toBe(second.position)
    expect((await rig.log.read(id, second.position, 10)).expiredUpTo).toBe(0)
  })

  rule(
    '[L7] an emptied log still says up to where it has expired, and goes on from there',
    async () => {
      const rig = await start()
      const id = newLog()
      await rig.finish(rig.log.append(id, entryOf('old')))
      const [old] = await shown(rig, id, 1)
      const position = old?.position ?? 0
      await rig.finish(rig.log.trim(position + 1))
      await rig.crash()
      expect(await rig.log.read(id, 0, 10)).toEqual({
        entries: [],
        expiredUpTo: position,
        atEnd: true,
      })
      expect((await rig.log.read(id, position, 10)).expiredUpTo).toBe(0)
      expect(await rig.log.heads([id])).toEqual([position])
      await rig.finish(rig.log.append(id, entryOf('new')))
      const [next] = await shown(rig, id, 1)
      expect(next?.prev).toBe(position)
      expect(next?.position).toBeGreaterThan(position)
    },
  )

  rule('[L8] trim removes by age alone, in all logs, and nothing younger', async () => {
    const rig = await start()
    const logs = [newLog(), newLog(), newLog()]
    const append = (text: string) =>
      rig.finish(Promise.all(logs.map((id) => rig.log.append(id, entryOf(text)))))
    for (let n = 0; n < 700; n++) void rig.log.append(logs[n % 3] as LogId, entryOf('old'))
    await append('old')
    for (const id of logs) await shown(rig, id, 234)
    await rig.pass(10_000)
    await append('young')
    const young = await Promise.all(logs.map((id) => shown(rig, id, 235)))
    await rig.finish(rig.log.trim(Math.min(...young.map((all) => all.at(-1)?.position ?? 0))))
    for (const id of logs) expect((await readAll(rig.log, id)).map(textOf)).toEqual(['young'])
  })
}

function describeFollow(start: Start, rule: Rule): void {
  const collect = (log: Log, follower: string) => {
    const abort = new AbortController()
    const entries: LogEntry[] = []
    const ended = log.follow(
      follower,
      async (handed) => {
        for (const entry of handed) {
          const { entries: found } = await log.read(entry.log, entry.prev, 1)
          if (found[0]?.position !== entry.position) throw new Error('cannot be read yet')
        }
        entries.push(...handed)
      },
      abort.signal,
    )
    return { entries, stop: () => abort.abort(), ended }
  }

  rule(
    '[L6] follow hands out every entry that can be read, in order, and ends when told',
    async () => {
      const rig = await start()
      const logs = [newLog(), newLog()]
      const early = collect(rig.log, 'early')
      for (let n = 0; n < 1_000; n++) {
        void rig.log.append(logs[n % 2] as LogId, entryOf(`${n}`))
        if (n % 100 === 0) await rig.step()
      }
      const late = collect(rig.log, 'late')
      for (const { entries, stop, ended } of [early, late]) {
        await rig.until(async () => entries.length >= 1_000)
        expect(entries.map(textOf)).toEqual(Array.from({ length: 1_000 }, (_, n) => `${n}`))
        stop()
        await rig.finish(ended)
      }
    },
  )

  rule(
    '[L6] an entry that was appended before a crash and not followed is followed after it',
    async () => {
      const rig = await start()
      const id = newLog()
      const before = collect(rig.log, 'deliver')
      await rig.finish(rig.log.append(id, entryOf('1')))
      await rig.until(async () => before.entries.length === 1)
      await rig.pass(5_000)
      before.stop()
      await rig.finish(before.ended)
      await rig.finish(rig.log.append(id, entryOf('2')))
      await rig.crash()
      const after = collect(rig.log, 'deliver')
      await rig.finish(rig.log.append(id, entryOf('3')))
      await rig.until(async () => after.entries.length >= 2)
      expect(after.entries.map(textOf)).toEqual(['2', '3'])
      after.stop()
    },
  )

  rule('[L6] what a follower had no time to commit is handed out again after a crash', async () => {
    const rig = await start()
    const id = newLog()
    await rig.finish(rig.log.append(id, entryOf('1')))
    const handed: string[] = []
    const hang = () =>
      rig.log.follow(
        'deliver',
        (entries) => {
          handed.push(...entries.map(textOf))
          return new Promise(() => {})
        },
        new AbortController().signal,
      )
    for (let round = 1; round <= 3; round++) {
      void hang()
      await rig.until(async () => handed.length === round)
      await rig.crash()
    }
    expect(handed).toEqual(['1', '1', '1'])
  })

  rule('[L6] a poison entry is parked after some tries, and the others go on', async () => {
    const rig = await start()
    const [id, other] = [newLog(), newLog()]
    const handled: string[] = []
    let tries = 0
    const abort = new AbortController()
    const ended = rig.log.follow(
      'deliver',
      async (entries) => {
        for (const entry of entries) {
          if (textOf(entry) === 'poison') {
            tries++
            throw new Error('cannot handle this')
          }
          if (!handled.includes(textOf(entry))) handled.push(textOf(entry))
        }
      },
      abort.signal,
    )
    const texts = ['1', '2', 'poison', '3', '4']
    for (const [n, text] of texts.entries()) {
      void rig.log.append(n % 2 === 0 ? id : other, entryOf(text))
    }
    await rig.until(async () => handled.length === 4)
    expect(handled).toEqual(['1', '2', '3', '4'])
    expect(tries).toBeGreaterThan(1)
    expect(tries).toBeLessThan(20)
    expect(rig.parked()).toBe(1)
    abort.abort()
    await rig.finish(ended)
  })

  rule('[L6] a handler that fails for a while gets everything, in order', async () => {
    const rig = await start()
    const id = newLog()
    const handled: string[] = []
    let failures = 3
    const abort = new AbortController()
    void rig.log.follow(
      'deliver',
      async (entries) => {
        if (failures-- > 0) throw new Error('not yet')
        handled.push(...entries.map(textOf))
      },
      abort.signal,
    )
    for (let n = 0; n < 10; n++) void rig.log.append(id, entryOf(`${n}`))
    await rig.until(async () => handled.length >= 10)
    expect(handled).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`))
    expect(rig.parked()).toBe(0)
    abort.abort()
  })
}

function describeCursors(start: Start, rule: Rule): void {
  rule('a cursor never moves back, and survives a crash', async () => {
    const rig = await start()
    const id = newLog()
    const [one, other] = [newDevice(), newDevice()]
    for (const position of [10, 30, 20, 30]) await rig.finish(rig.log.commit(id, one, position))
    await rig.finish(rig.log.commit(id, other, 7))
    await rig.finish(rig.log.commit(newLog(), other, 99))
    await rig.crash()
    expect(await rig.log.cursors(id)).toEqual(
      new Map([
        [one, 30],
        [other, 7],
      ]),
    )
  })

  rule('the last sequence is that of the device, in one log or in any', async () => {
    const rig = await start()
    const [one, other] = [newLog(), newLog()]
    const device = newDevice()
    await rig.finish(rig.log.append(one, entryOf('a', device, 40)))
    await rig.finish(rig.log.append(other, entryOf('b', device, 70)))
    await rig.finish(rig.log.append(one, entryOf('c', newDevice(), 900)))
    await rig.until(async () => (await rig.log.lastSequence(device, undefined)) === 70)
    expect(await rig.log.lastSequence(device, one)).toBe(40)
    expect(await rig.log.lastSequence(device, other)).toBe(70)
    expect(await rig.log.lastSequence(newDevice(), one)).toBe(0)
  })
}

/**
 * One device of the model: it sends to several logs, one sequence for all, and repeats what was not
 * answered.
 */
async function compareWithModel(rig: LogRig, random: SimRandom): Promise<void> {
  const logs = [newLog(), newLog(), newLog()]
  const senders = [newDevice(), newDevice()].map((device) => ({ device, sequence: 0 }))
  const model = new Map<LogId, { text: string; device: DeviceId }[]>(logs.map((id) => [id, []]))
  let unanswered: { id: LogId; text: string; device: DeviceId; sequence: number }[] = []
  const append = ({ id, text, device, sequence }: (typeof unanswered)[number]) =>
    rig.log.append(id, entryOf(text, device, sequence))
  const send = () => {
    const sender = random.pick(senders)
    sender.sequence += random.between(1, 3)
    const id = random.pick(logs)
    const text = `${sender.device.slice(0, 4)} ${sender.sequence}`
    const sent = { id, text, device: sender.device, sequence: sender.sequence }
    model.get(id)?.push({ text, device: sender.device })
    unanswered.push(sent)
    void append(sent).then(
      () => {
        unanswered = unanswered.filter((each) => each !== sent)
      },
      () => {},
    )
  }
  const repeat = async () => {
    for (const sent of [...unanswered]) await rig.finish(append(sent))
    unanswered = []
  }
  for (let step = 0; step < 300; step++) {
    const choice = random.below(100)
    if (choice < 70) send()
    else if (choice < 90) await rig.step()
    else if (choice < 93) rig.skew(random.between(-5_000, 5_000))
    else if (choice < 98) await repeat()
    else {
      await rig.crash()
      await repeat()
    }
  }
  await repeat()
  for (const [id, expected] of model) {
    const texts = (await shown(rig, id, expected.length)).map(textOf)
    for (const { device } of senders) {
      const own = expected.filter((each) => each.device === device).map(({ text }) => text)
      expect(texts.filter((text) => text.startsWith(device.slice(0, 4)))).toEqual(own)
    }
    expect(texts).toHaveLength(expected.length)
  }
}
