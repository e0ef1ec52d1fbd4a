/**
 * One chaos run: a server, the network before it, client programs; load under faults; everything
 * whole again; then the verdict from the histories.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimRandom } from '@parley/testkit'
import type { RawUser } from './channel.ts'
import { Checker } from './checker.ts'
import type { Verdict } from './checker.ts'
import { ClientProgram } from './client-program.ts'
import { Faults } from './faults.ts'
import type { Happened } from './faults.ts'
import { readHistory } from './history.ts'
import { Proxy } from './proxy.ts'
import type { Met } from './proxy.ts'
import { registerRawUser } from './raw-users.ts'
import { scheduleOf } from './schedule.ts'
import { ServerKeeper } from './server-keeper.ts'
import { openSmallDisk } from './small-disk.ts'

export interface RunOptions {
  seed: number
  minutes: number
  /** Of the server. */
  kills: number
  /** Messages a second, of all programs of the kind together. */
  rates: { raw: number; sdk: number }
  /** Ends the load early; what follows stays the same. */
  stop: AbortSignal
  /** A file that the server runs first, with a planted fault; it imports clock-preload.ts. */
  preload: string | undefined
  /** How long everybody may take to catch up; undefined for what fits the length. */
  settleMsMax: number | undefined
  tell(line: string): void
  progress(at: Progress): void
}

export interface Progress {
  doing: string
  /** Undefined while nobody knows. */
  leftMs: number | undefined
  sent: number
  accepted: number
  received: number
  kills: number
}

export interface Outcome {
  verdict: Verdict
  happened: Happened
  /** Of the server and of client programs. */
  crashes: number
  restarts: number
  disk: string
  /** Connections that each fault of the network has met. */
  met: Met
  settled: boolean
  minutes: number
  /** Histories and what the run told, kept when something is wrong. */
  folder: string
}

const minuteMs = 60_000
const setUpMs = 15_000
const rawUsers = 32
const sdkPrograms = 3
const peoplePerProgram = 3
const registeredAtOnce = 8
const finishMsMax = 120_000
const lookEveryMs = 250
/** On the server's disk, index and write-ahead log included. */
const bytesPerMessage = 2_500
const diskBytesLeast = 256 * 1024 * 1024

/** Load and settling of a run of this length. */
function timesOf(minutes: number) {
  const totalMs = minutes * minuteMs
  const reserveMs = Math.max(20_000, Math.min(5 * minuteMs, totalMs * 0.1))
  const loadMs = Math.max(10_000, totalMs - setUpMs - reserveMs)
  return { loadMs, settleMsMax: Math.max(2 * minuteMs, reserveMs) }
}

export async function run(options: RunOptions): Promise<Outcome> {
  const startedMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'parley-chaos-'))
  await using opened = new AsyncDisposableStack()
  const stage = await setStage(options, folder, opened)
  const { faults, keeper, programs, proxies } = stage
  const { loadMs, ...times } = timesOf(options.minutes)
  const settleMsMax = options.settleMsMax ?? times.settleMsMax
  const schedule = scheduleOf({ seed: options.seed, kills: options.kills, loadMs })
  writeFileSync(join(folder, 'schedule.json'), JSON.stringify(schedule, undefined, 1))
  stage.doing('load', loadMs)
  await faults.run(schedule, loadMs, options.stop)
  options.tell('the load is over; everything is made whole')
  await faults.heal()
  stage.doing('settling', settleMsMax)
  const settled = await settle(stage, settleMsMax)
  stage.doing('finishing', undefined)
  await finish(stage)
  const { happened } = faults
  happened.kill = keeper.kills
  await opened.disposeAsync()
  writeFileSync(join(folder, 'server.txt'), keeper.talk)
  const verdict = await judge(stage.histories)
  const crashes = programs.reduce((sum, { crashes }) => sum + crashes, keeper.crashes)
  const minutes = (performance.now() - startedMs) / minuteMs
  const { restarts } = keeper
  const disk = stage.disk.kind
  const met = metBy(Object.values(proxies))
  return { verdict, happened, crashes, restarts, disk, met, settled, minutes, folder }
}

type Stage = Awaited<ReturnType<typeof setStage>>

async function setStage(options: RunOptions, folder: string, opened: AsyncDisposableStack) {
  const { minutes, preload, rates, seed, tell } = options
  const random = new SimRandom(seed ^ 0x5eed)
  const messages = minutes * 60 * (rates.raw + rates.sdk) * 1.2
  const disk = openSmallDisk(folder, diskBytesLeast + Math.ceil(messages * bytesPerMessage))
  opened.defer(() => disk.end())
  if (disk.kind === 'none') tell('the disk cannot be filled here: that needs root')
  const keeper = new ServerKeeper({ dataFolder: disk.folder, folder, preload, tell })
  opened.defer(() => keeper.end())
  await keeper.start()
  const proxies = { raw: await startProxy(keeper, opened), sdk: await startProxy(keeper, opened) }
  const users = rates.raw > 0 ? await registerUsers(keeper) : []
  const { histories, programs, sdk } = startPrograms({ options, folder, keeper, proxies, users })
  opened.defer(async () => void (await Promise.all(programs.map((each) => each.end()))))
  const people = (await Promise.all(sdk.map(({ registered }) => registered))).flat()
  for (const program of programs) program.order({ t: 'load', people })
  const world = { keeper, proxies, disk, killable: sdk, random, tell }
  const faults = new Faults(world)
  const doing = watch(options, programs, keeper, opened)
  return { disk, doing, faults, histories, keeper, programs, proxies, tell }
}

async function startProxy(keeper: ServerKeeper, opened: AsyncDisposableStack): Promise<Proxy> {
  const proxy = await Proxy.start(() => keeper.port)
  opened.defer(() => proxy.end())
  return proxy
}

function metBy(proxies: readonly Proxy[]): Met {
  const sum: Met = { cut: 0, half_open: 0, mutilated: 0 }
  for (const { met } of proxies) {
    sum.cut += met.cut
    sum.half_open += met.half_open
    sum.mutilated += met.mutilated
  }
  return sum
}

async function registerUsers(keeper: ServerKeeper): Promise<RawUser[]> {
  const registrar = {
    url: `http://127.0.0.1:${keeper.port}`,
    code: (phone: string) => keeper.code(phone),
  }
  const users: RawUser[] = []
  for (let from = 0; from < rawUsers; from += registeredAtOnce) {
    const indexes = Array.from({ length: registeredAtOnce }, (_, at) => from + at)
    const some = indexes.map((index) =>
      registerRawUser(registrar, { name: `r${index}`, phone: phoneOf('1', index) }),
    )
    users.push(...(await Promise.all(some)))
  }
  return users
}

function phoneOf(kind: string, index: number): string {
  return `+4915${kind}${String(20_000_000 + index)}`
}

interface Starting {
  options: RunOptions
  folder: string
  keeper: ServerKeeper
  proxies: { raw: Proxy; sdk: Proxy }
  users: RawUser[]
}

function startPrograms({ folder, keeper, options, proxies, users }: Starting) {
  const { rates, seed, tell } = options
  const code = (phone: string) => keeper.code(phone)
  const histories: string[] = []
  const programs: ClientProgram[] = []
  if (users.length > 0) {
    const history = join(folder, 'raw.jsonl')
    histories.push(history)
    const load = { ratePerS: rates.raw, seed }
    const file = join(import.meta.dirname, 'raw-main.ts')
    const orders = () => ({ kind: 'raw', url: proxies.raw.url, history, users, load }) as const
    programs.push(new ClientProgram({ file, orders, code, tell }))
  }
  const sdk: ClientProgram[] = []
  const profiles = join(folder, 'profiles')
  mkdirSync(profiles)
  for (let index = 0; rates.sdk > 0 && index < sdkPrograms; index++) {
    const history = join(folder, `sdk-${index}.jsonl`)
    histories.push(history)
    const users = Array.from({ length: peoplePerProgram }, (_, at) => {
      const number = index * peoplePerProgram + at
      return { name: `s${number}`, phone: phoneOf('2', number), account: undefined }
    })
    const load = { ratePerS: rates.sdk / sdkPrograms, seed: seed + 1_000 * (index + 1) }
    const file = join(import.meta.dirname, 'sdk-main.ts')
    const orders = (run: number) =>
      ({ kind: 'sdk', url: proxies.sdk.url, history, profiles, run, users, load }) as const
    sdk.push(new ClientProgram({ file, orders, code, tell }))
  }
  programs.push(...sdk)
  return { histories, programs, sdk }
}

/** Returns what names the phase that progress is told of. */
function watch(
  { progress }: RunOptions,
  programs: readonly ClientProgram[],
  keeper: ServerKeeper,
  opened: AsyncDisposableStack,
) {
  let phase = 'setting up'
  let endMs: number | undefined
  const timer = setInterval(() => {
    const sum = { sent: 0, accepted: 0, received: 0 }
    for (const { totals } of programs) {
      sum.sent += totals.sent
      sum.accepted += totals.accepted
      sum.received += totals.received
    }
    const leftMs = endMs === undefined ? undefined : Math.max(0, endMs - performance.now())
    progress({ doing: phase, leftMs, ...sum, kills: keeper.kills })
  }, 1_000)
  opened.defer(() => clearInterval(timer))
  return (doing: string, forMs: number | undefined) => {
    phase = doing
    endMs = forMs === undefined ? undefined : performance.now() + forMs
  }
}

async function settle({ programs, tell }: Stage, msMax: number): Promise<boolean> {
  for (const program of programs) program.order({ t: 'settle' })
  const endMs = performance.now() + msMax
  while (!programs.every(({ settled }) => settled)) {
    if (performance.now() > endMs) {
      const waiting = programs.filter(({ settled }) => !settled)
      tell(`not settled: ${waiting.map(({ says }) => says).join('; ')}`)
      return false
    }
    await Bun.sleep(lookEveryMs)
  }
  return true
}

async function finish({ programs, tell }: Stage): Promise<void> {
  for (const program of programs) program.order({ t: 'finish' })
  const all = Promise.all(programs.map(({ finished }) => finished)).then(() => true)
  const isOver = await Promise.race([all, Bun.sleep(finishMsMax).then(() => false)])
  if (!isOver) tell('not all client programs have said their end')
}

async function judge(histories: readonly string[]): Promise<Verdict> {
  const checker = new Checker()
  for (const path of histories) {
    for await (const line of readHistory(path)) checker.take(line)
  }
  return checker.verdict()
}

/** Removes what is not worth keeping. */
export function forget({ folder }: Outcome): void {
  rmSync(folder, { recursive: true, force: true })
}
