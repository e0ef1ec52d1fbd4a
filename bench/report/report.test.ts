/** The report says what the rows say, and no more. */
import { expect, test } from 'bun:test'
import { withComparison } from '../scenarios/report.ts'
import { chart } from './chart.ts'
import { ratiosOf, spreadOf, summarize } from './summary.ts'
import type { Row } from './summary.ts'
import { comparison } from './table.ts'

const head: Row = {
  scenario: 'versus',
  at: '2026-03-04T05:06:07Z',
  processor: 'Some <fast> one',
  cores: 2,
  memory_gb: 24,
  ejabberd: '23.01-1',
}
const cell = (peer: string, cellId: string, figures: Row): Row => ({
  scenario: 'one-to-one',
  peer,
  cell: cellId,
  durable: true,
  errors: 0,
  ...figures,
})
const rows: readonly Row[] = [
  head,
  cell('parley', 'w8', { rate_per_s: 20_000, server_cpu_us: 40, calib_ms: 44 }),
  cell('parley', 'w8', { rate_per_s: 30_000, server_cpu_us: 50, calib_ms: 61 }),
  cell('relay', 'w8', { rate_per_s: 100_000, durable: false }),
  cell('relay-sqlite', 'w8', { rate_per_s: 50_000 }),
  cell('ejabberd-sqlite', 'w8', { rate_per_s: 1_000, server_cpu_us: 900, errors: 3 }),
  cell('prosody-sqlite', 'w8', { failed: 'it did not start' }),
  cell('ejabberd-sqlite', 'rate1000', { skipped: 'its best closed loop reached 1000/s' }),
  cell('ejabberd-pgsql', 'rate1000', { offered_per_s: 1000, rate_per_s: 700, p99_ms: 4000 }),
  cell('relay', 'rate1000', { offered_per_s: 1000, rate_per_s: 600, sent_late_p99_ms: 900 }),
  { scenario: 'ratio', cell: 'w8', peer: 'ejabberd-sqlite', to: 'parley', rate_per_s: 0.04 },
  cell('parley', 'idle', { kb_per_session: 2.5, partial: true }),
]
const summaries = summarize(rows)

function summaryOf(peer: string, id: string) {
  const found = summaries.find((each) => each.peer === peer && each.cell.id === id)
  if (!found) throw new Error(`no summary of ${peer}`)
  return found
}

test('several runs become a median and its spread', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 })
  expect(spreadOf([1, 4])).toEqual({ median: 2.5, min: 1, max: 4 })
  const ours = summaryOf('parley', 'w8')
  expect(ours.runs).toBe(2)
  expect(ours.figures.get('rate_per_s')).toEqual({ median: 25_000, min: 20_000, max: 30_000 })
})

test('a ratio is the peer divided by ours', () => {
  const ratios = ratiosOf(summaryOf('ejabberd-sqlite', 'w8'), summaryOf('parley', 'w8'))
  expect(ratios.get('rate_per_s')).toBe(0.04)
  expect(ratios.get('server_cpu_us')).toBe(20)
})

test('a cell that failed, was skipped or stopped has a reason and no figures', () => {
  expect(summaryOf('prosody-sqlite', 'w8').without?.reason).toBe('it did not start')
  expect(summaryOf('ejabberd-sqlite', 'rate1000').without?.reason).toContain('reached')
  expect(summaryOf('parley', 'idle').without?.reason).toBe('stopped')
  expect(summaryOf('parley', 'idle').figures.size).toBe(0)
  expect(summaryOf('ejabberd-pgsql', 'rate1000').without).toEqual({
    reason: 'only 700/s came through',
    isSlow: true,
  })
  expect(summaryOf('relay', 'rate1000').without?.isSlow).toBe(false)
})

test('the table has figures, ratios, reasons, the machine and what is void', () => {
  const text = comparison(rows, summaries)
  expect(text).toContain('Measured on 2026-03-04, Some <fast> one, 2 cores, 24 GB')
  expect(text).toContain('took 44 to 61 ms')
  expect(text).toContain('| Parley | yes | – | 25,000 [20,000–30,000] | 45 [40–50] |')
  expect(text).toContain('| ejabberd, SQLite † | yes | – | 1,000 (0.04×) | 900 (20×) |')
  expect(text).toContain('| Prosody, SQLite |  | it did not start |')
  expect(text).toContain('3 messages or sessions went wrong')
})

test('the chart has the storing relay as the limit, and no character that would break it', () => {
  const picture = chart(summaries, head)
  expect(picture).toContain('>25,000</text>')
  expect(picture).toContain('>1,000 †</text>')
  expect(picture).toContain('relay with SQLite')
  expect(picture).not.toContain('bare relay')
  expect(picture).toContain('Some &lt;fast> one')
  expect(picture).toContain('prefers-color-scheme: dark')
})

test('only what stands between the marks of the page changes', () => {
  const page = withComparison('# Performance\n', 'first\n')
  expect(page).toContain('# Performance\n')
  const again = withComparison(`${page}\n## More\n`, 'second\n')
  expect(again).toContain('second')
  expect(again).not.toContain('first')
  expect(again).toEndWith('## More\n')
  expect(withComparison(again, 'second\n')).toBe(again)
})
