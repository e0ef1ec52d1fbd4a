/** The comparison as Markdown: a table for each cell, figures with their ratio to ours. */
import type { Cell, Metric } from './cells.ts'
import { ratiosOf } from './summary.ts'
import type { Row, Summary } from './summary.ts'
import { figure, mark, times, titleOf } from './words.ts'

export const chartFile = 'performance-versus.svg'

/** Everything that comes from rows; nothing here is typed by hand. */
export function comparison(rows: readonly Row[], summaries: readonly Summary[]): string {
  const cells = [...new Set(summaries.map(({ cell }) => cell))]
  const parts = [
    measuredOn(rows),
    `![Parley beside ejabberd and Prosody](${chartFile})`,
    ...cells.map((cell) => section(cell, summaries)),
    ...notes(summaries),
  ]
  return `${parts.join('\n\n')}\n`
}

function measuredOn(rows: readonly Row[]): string {
  const heads = rows.filter(({ scenario, at }) => scenario === 'versus' && at !== undefined)
  const last = heads.at(-1) ?? {}
  const [first, until] = [dayOf(heads[0]), dayOf(last)]
  const days = first === until ? until : `${first} to ${until}`
  const versions = ['ejabberd', 'prosody', 'postgresql', 'bun']
    .filter((name) => last[name] !== undefined)
    .map((name) => `${name} ${last[name]}`)
  const speeds = rows.map(({ calib_ms: ms }) => ms).filter((ms) => typeof ms === 'number')
  const pace =
    speeds.length > 0
      ? ` A fixed piece of work took ${figure(Math.min(...speeds))} to ${figure(Math.max(...speeds))} ms of CPU beside the cells: so much the machine itself went up and down.`
      : ''
  return `Measured on ${days}, ${last['processor']}, ${last['cores']} cores, ${last['memory_gb']} GB, load client included; ${versions.join(', ')}.${pace}`
}

function dayOf(head: Row | undefined): string {
  return String(head?.['at'] ?? 'an unknown day').slice(0, 10)
}

function section(cell: Cell, summaries: readonly Summary[]): string {
  const mine = summaries.filter((summary) => summary.cell === cell)
  const ours = mine.find(({ peer }) => peer === 'parley')
  const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |`
  const metrics = cell.metrics
  const head = ['', 'on disk first', ...metrics.map(({ title }) => title)]
  const body = mine.map((summary) => {
    const durable = summary.durable ? 'yes' : 'no'
    const name = titleOf(summary.peer) + mark(summary)
    if (summary.without !== undefined) {
      const [reason = ''] = summary.without.reason.split('\n')
      return line([name, '', reason, ...metrics.slice(1).map(() => '')])
    }
    return line([name, durable, ...metrics.map((metric) => value(metric, summary, ours))])
  })
  const rule = `|---|---|${'---:|'.repeat(metrics.length)}`
  return [`### ${cell.title}`, '', cell.says, '', line(head), rule, ...body].join('\n')
}

function value({ key, isBare }: Metric, summary: Summary, ours: Summary | undefined): string {
  const spread = summary.figures.get(key)
  if (!spread) return '–'
  const { median, min, max } = spread
  const range = min === max ? '' : ` [${figure(min)}–${figure(max)}]`
  const ratio = isBare || summary.peer === 'parley' ? undefined : ratiosOf(summary, ours).get(key)
  return `${figure(median)}${range}${ratio === undefined ? '' : ` (${times(ratio)})`}`
}

function notes(summaries: readonly Summary[]): string[] {
  const faulty = summaries.filter(({ errors }) => errors > 0)
  const most = Math.max(0, ...summaries.map(({ runs }) => runs))
  const runs =
    most > 1
      ? `Medians of ${most} runs, in brackets the lowest and the highest.`
      : 'One run of each cell.'
  return [
    `${runs} In parentheses: the peer divided by Parley.`,
    ...faulty.map(
      ({ cell, peer, errors }) =>
        `† ${titleOf(peer)}, ${cell.title.toLowerCase()}: ${figure(errors)} messages or sessions went wrong, so nothing is claimed from its row.`,
    ),
  ]
}
