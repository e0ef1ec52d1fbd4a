/** Rows of one or more runs, put together: median and spread of each figure by cell and peer. */
import { cells } from './cells.ts'
import type { Cell } from './cells.ts'

export type Row = Readonly<Record<string, string | number | boolean | null | undefined>>

export interface Spread {
  median: number
  min: number
  max: number
}

/** All runs of a cell against one peer. */
export interface Summary {
  cell: Cell
  peer: string
  durable: boolean
  figures: ReadonlyMap<string, Spread>
  runs: number
  /** Messages missing, doubled, out of order or damaged, in all runs. */
  errors: number
  without: Without | undefined
}

/** Why there are no figures. */
export interface Without {
  reason: string
  /** The peer cannot take as many messages as were offered. */
  isSlow: boolean
}

/** An open loop of which less arrived has measured a queue that grew. */
const arrivedShareMin = 0.95
/** A load client that was later has not offered what it should. */
const lateMsMax = 100

/** In the order of `cells`, and of the peers as the rows name them first. */
export function summarize(all: readonly Row[]): Summary[] {
  const rows = all.filter((row) => row['scenario'] !== 'ratio')
  const peers = [...new Set(rows.map(({ peer }) => peer))].filter(
    (peer) => typeof peer === 'string',
  )
  return cells.flatMap((cell) =>
    peers.flatMap((peer) => {
      const mine = rows.filter((row) => row['cell'] === cell.id && row['peer'] === peer)
      return mine.length > 0 ? [summaryOf(cell, peer, mine)] : []
    }),
  )
}

function summaryOf(cell: Cell, peer: string, rows: readonly Row[]): Summary {
  const good = rows.filter((row) => whyWithout(row) === undefined)
  const figures = new Map<string, Spread>()
  for (const { key } of cell.metrics) {
    const values = good.map((row) => row[key]).filter((value) => typeof value === 'number')
    if (values.length > 0) figures.set(key, spreadOf(values))
  }
  return {
    cell,
    peer,
    durable: good.some((row) => row['durable'] === true),
    figures,
    runs: good.length,
    errors: good.reduce((sum, row) => sum + Number(row['errors'] ?? 0), 0),
    without: good.length > 0 ? undefined : rows.map(whyWithout).find(Boolean),
  }
}

function whyWithout(row: Row): Without | undefined {
  if (row['failed'] !== undefined) return { reason: String(row['failed']), isSlow: false }
  if (row['skipped'] !== undefined) return { reason: String(row['skipped']), isSlow: true }
  if (row['partial'] !== undefined) return { reason: 'stopped', isSlow: false }
  const [offered, rate] = [Number(row['offered_per_s'] ?? 0), Number(row['rate_per_s'] ?? 0)]
  if (rate >= offered * arrivedShareMin) return undefined
  if (Number(row['sent_late_p99_ms'] ?? 0) > lateMsMax)
    return { reason: 'the machine was too busy to send in time', isSlow: false }
  return { reason: `only ${rate}/s came through`, isSlow: true }
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number) => sorted[Math.max(0, Math.min(sorted.length - 1, index))] ?? 0
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  }
}

/** What each figure of the peer is, divided by ours; undefined where ours is not there. */
export function ratiosOf(peer: Summary, ours: Summary | undefined): Map<string, number> {
  const ratios = new Map<string, number>()
  const compared = peer.cell.metrics.filter(({ isCount }) => isCount !== true)
  for (const { key } of compared) {
    const median = peer.figures.get(key)?.median
    const own = ours?.figures.get(key)?.median
    if (median !== undefined && own !== undefined && own > 0)
      ratios.set(key, Number((median / own).toPrecision(3)))
  }
  return ratios
}
