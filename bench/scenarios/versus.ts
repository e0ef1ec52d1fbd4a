/**
 * `npm run bench -- versus`: the scenarios of this folder against other servers, beside ours and
 * the relays that are the physical limit, in one go and in turns. A peer that fails is a row that
 * says why; the last rows are ratios, each figure of a peer divided by ours.
 */
import { appendFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { calibrate } from '../load/calibrate.ts'
import { rounded } from '../load/measure.ts'
import type { Watch } from '../load/watch.ts'
import { howToInstall, installPackages, missingPackages, packageVersion } from '../peers/debian.ts'
import { versusPeers } from '../peers/versus-peers.ts'
import type { VersusPeer } from '../peers/versus-peers.ts'
import { cells } from '../report/cells.ts'
import { ratiosOf, summarize } from '../report/summary.ts'
import { count, flag, names, scenario, text } from '../scenario.ts'
import type { Row } from '../scenario.ts'
import { cellSMax, versusPlans } from './versus-plans.ts'
import type { CellPlan } from './versus-plans.ts'

interface Turn {
  plan: CellPlan
  peer: VersusPeer
  run: number
}

/** An open loop asks for a closed one that was so much faster. */
const headroom = 1.2

export const versus = scenario({
  says: 'the scenarios above against ejabberd and Prosody, beside ours and the relays',
  runsItself: true,
  options: {
    peers: names(versusPeers.map(({ name }) => name)),
    scenarios: names(cells.map(({ id }) => id)),
    runs: count(1, 'rounds; ratios are those of medians'),
    users: count(1000, 'one to one: users, in pairs'),
    measure: count(8, 'one to one: seconds measured at least'),
    sessions: count(15_000, 'idle and login storm: sessions'),
    settle: count(10, 'idle: seconds before the second weighing'),
    messages: count(50_000, 'offline: messages, to a tenth as many receivers'),
    out: text('appends the rows to this file'),
    install: flag('installs the Debian packages that are missing, as root'),
  },
  async *run(values, watch) {
    const keep = (row: Row) => {
      if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify(row)}\n`)
      return row
    }
    const wanted = versusPeers.filter(({ name }) => values.peers?.includes(name) ?? true)
    const absent = await absentPeers(wanted, values.install)
    yield keep(machineRow(values.runs))
    const rows: Row[] = []
    for (const row of absent) rows.push(keep({ scenario: 'versus', ...row }))
    yield* rows
    const present = wanted.filter(({ name }) => !absent.some(({ peer }) => peer === name))
    const users = values.users + (values.users % 2)
    const sizes = { ...values, users, measureS: values.measure, settleS: values.settle }
    const plans = versusPlans(sizes).filter(({ id }) => values.scenarios?.includes(id) ?? true)
    for await (const row of takeTurns(turnsOf(plans, present, values.runs), watch)) {
      rows.push(keep(row))
      yield row
    }
    for (const row of ratioRows(rows)) yield keep(row)
  },
})

/** Installs what is missing if it may; returns who cannot take part, and why. */
async function absentPeers(peers: readonly VersusPeer[], mayInstall: boolean) {
  const missing = new Set(missingPackages([...new Set(peers.flatMap(({ packages }) => packages))]))
  if (missing.size > 0 && mayInstall) {
    process.stderr.write(`Installing ${[...missing].join(', ')}\n`)
    await installPackages([...missing])
    missing.clear()
  }
  return peers.flatMap(({ name, packages }) => {
    const lacking = packages.filter((each) => missing.has(each))
    if (lacking.length === 0) return []
    const failed = `It needs ${lacking.join(', ')}. ${howToInstall(lacking)}`
    process.stderr.write(`${name}: ${failed} (or add --install)\n`)
    return [{ peer: name, failed }]
  })
}

function machineRow(runs: number): Row {
  const [processor] = cpus()
  return {
    scenario: 'versus',
    at: new Date().toISOString(),
    processor: processor?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    bun: Bun.version,
    ejabberd: packageVersion('ejabberd'),
    prosody: packageVersion('prosody'),
    postgresql: packageVersion('postgresql'),
    runs,
  }
}

/** All peers take the same cell one after the other; each round somebody else begins. */
function turnsOf(plans: readonly CellPlan[], peers: readonly VersusPeer[], runs: number): Turn[] {
  return Array.from({ length: runs }, (_, run) => {
    const first = run % Math.max(peers.length, 1)
    const order = [...peers.slice(first), ...peers.slice(0, first)]
    return plans.flatMap((plan) =>
      order.filter((peer) => plan.fits(peer)).map((peer) => ({ plan, peer, run: run + 1 })),
    )
  }).flat()
}

async function* takeTurns(turns: readonly Turn[], watch: Watch): AsyncGenerator<Row> {
  const rows: Row[] = []
  const startedAtMs = performance.now()
  const expectedS = (from: number, to: number) =>
    turns.slice(from, to).reduce((sum, { plan }) => sum + plan.expectedS, 0)
  for (const [index, turn] of turns.entries()) {
    if (watch.signal.aborted) return
    const { plan, peer, run } = turn
    const elapsedS = (performance.now() - startedAtMs) / 1000
    const pace = index === 0 ? 1 : elapsedS / expectedS(0, index)
    const leftMin = Math.ceil((expectedS(index, turns.length) * pace) / 60)
    const place = `${index + 1} of ${turns.length}, about ${leftMin} min left: ${plan.id}, `
    const skipped = whySkip(turn, rows)
    const figures =
      skipped === undefined ? await runCell(turn, prefixed(watch, place)) : { skipped }
    const row = { scenario: plan.scenario, peer: peer.name, cell: plan.id, run, ...figures }
    rows.push(row)
    yield row
  }
}

function prefixed(watch: Watch, place: string): Watch {
  return {
    signal: watch.signal,
    begin: (what) => watch.begin(place + what),
    show: (done, of) => watch.show(done, of),
  }
}

/** An open loop beyond what the peer can take measures its queue, not its latency. */
function whySkip({ plan, peer }: Turn, rows: readonly Row[]): string | undefined {
  const offered = Number(/^rate(\d+)$/.exec(plan.id)?.[1] ?? 0)
  const closed = rows
    .filter((row) => row['peer'] === peer.name && ['w1', 'w8'].includes(String(row['cell'])))
    .map((row) => row['rate_per_s'])
    .filter((rate) => typeof rate === 'number')
  if (offered === 0 || closed.length === 0) return undefined
  const best = Math.max(...closed)
  return best >= offered * headroom ? undefined : `its best closed loop reached ${best}/s`
}

/** Figures of the cell, or why there are none. */
async function runCell({ plan, peer }: Turn, watch: Watch): Promise<Row> {
  const before = calibrate()
  const timeout = AbortSignal.timeout(cellSMax * 1000)
  const bounded = { ...watch, signal: AbortSignal.any([watch.signal, timeout]) }
  try {
    const figures = await plan.run(peer, bounded)
    const after = calibrate()
    return {
      ...figures,
      failed: timeout.aborted ? `stopped after ${cellSMax} s` : undefined,
      partial: watch.signal.aborted ? true : undefined,
      calib_ms: rounded((before + after) / 2),
      calib_before_ms: rounded(before),
      calib_after_ms: rounded(after),
    }
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${peer.name}, ${plan.id}: ${failed}\n`)
    return { failed, errors: 1, calib_ms: rounded(before) }
  }
}

/** Each peer against ours, by cell. */
function ratioRows(rows: readonly Row[]): Row[] {
  const summaries = summarize(rows)
  return summaries.flatMap((summary) => {
    const { cell, peer, runs, errors } = summary
    const ours = summaries.find((other) => other.cell === cell && other.peer === 'parley')
    if (peer === 'parley' || summary.runs === 0 || !ours || ours.runs === 0) return []
    const isVoid = errors + ours.errors > 0 ? true : undefined
    const ratios = Object.fromEntries(ratiosOf(summary, ours))
    return [{ scenario: 'ratio', cell: cell.id, peer, to: 'parley', runs, ...ratios, void: isVoid }]
  })
}
