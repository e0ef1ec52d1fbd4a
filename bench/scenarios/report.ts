/**
 * `npm run bench -- report --from FILE`: writes what `versus --out FILE` has measured into
 * docs/performance.md, between its two marks, and draws the chart beside it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chart } from '../report/chart.ts'
import { summarize } from '../report/summary.ts'
import type { Row } from '../report/summary.ts'
import { chartFile, comparison } from '../report/table.ts'
import { scenario, text } from '../scenario.ts'

const documents = join(import.meta.dirname, '../../docs')
const [begin, end] = ['<!-- versus: begin -->', '<!-- versus: end -->']

export const report = scenario({
  says: 'writes the table and the chart of docs/performance.md from the rows of versus',
  runsItself: true,
  options: {
    from: text('the file that versus --out has written'),
    to: text('folder of performance.md (docs)'),
  },
  async *run({ from, to = documents }) {
    if (from === undefined || !existsSync(from)) {
      const what = from === undefined ? 'Say which rows' : `There is no ${from}`
      process.stderr.write(`${what}: npm run bench -- report --from FILE\n`)
      process.exit(2)
    }
    const rows = readRows(readFileSync(from, 'utf8'))
    const summaries = summarize(rows)
    const page = join(to, 'performance.md')
    const [known, picture] = [
      existsSync(page) ? readFileSync(page, 'utf8') : '',
      join(to, chartFile),
    ]
    writeFileSync(page, withComparison(known, comparison(rows, summaries)))
    const head = rows.findLast((row) => row['scenario'] === 'versus' && row['at'] !== undefined)
    writeFileSync(picture, chart(summaries, head))
    yield { rows: rows.length, cells: summaries.length, page, picture }
  },
})

/** Rows that are not JSON, as after a run that was killed while it wrote, are left out. */
function readRows(lines: string): Row[] {
  return lines.split('\n').flatMap((line) => {
    try {
      const row: unknown = JSON.parse(line)
      return typeof row === 'object' && row !== null ? [row as Row] : []
    } catch {
      return []
    }
  })
}

/** Only what stands between the marks is replaced; without marks it goes to the end. */
export function withComparison(page: string, comparison: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  const block = `${begin}\n\n${comparison}\n${end}`
  if (from < 0 || to < from) return `${page}${page === '' ? '' : '\n'}${block}\n`
  return page.slice(0, from) + block + page.slice(to + end.length)
}
