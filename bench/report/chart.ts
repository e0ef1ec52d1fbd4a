/** The comparison as a picture: small bar charts, light or dark as the reader's screen is. */
import type { Row, Summary } from './summary.ts'
import { figure, mark, titleOf } from './words.ts'

interface Panel {
  cell: string
  key: string
  title: string
  /** Which way is good. */
  says: string
}

const panels: readonly Panel[] = [
  {
    cell: 'w8',
    key: 'rate_per_s',
    title: 'Messages a second',
    says: 'one to one, stored, with receipt; more is better',
  },
  {
    cell: 'w8',
    key: 'server_cpu_us',
    title: 'Server CPU per message, µs',
    says: 'its receipt and its database included; less is better',
  },
  {
    cell: 'rate300',
    key: 'one_way_p99_ms',
    title: 'Send to receive at 300 messages/s, p99 ms',
    says: 'what a person feels; less is better',
  },
  {
    cell: 'idle',
    key: 'kb_per_session',
    title: 'Memory per idle session, KB',
    says: 'less is better',
  },
  {
    cell: 'login-storm',
    key: 'logins_per_s',
    title: 'Logins a second when everybody comes back',
    says: 'more is better',
  },
  {
    cell: 'kill',
    key: 'lost',
    title: 'Acknowledged messages lost by one kill -9',
    says: 'under full load; anything above 0 is a loss',
  },
]

const [width, columns, margin, headHeight, gap] = [860, 2, 20, 74, 28]
const panelWidth = (width - 2 * margin - gap * (columns - 1)) / columns
const [barHeight, barStep, panelHead, labelWidth, valueWidth] = [14, 21, 42, 138, 64]

const style = `
  svg { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
  .ground { fill: #ffffff; } .edge { stroke: #d0d7de; }
  text { fill: #1f2328; font-size: 12px; }
  .title { font-size: 17px; font-weight: 600; }
  .head { font-size: 13px; font-weight: 600; }
  .quiet { fill: #59636e; }
  .ours { fill: #0969da; } .peer { fill: #afb8c1; } .limit { fill: #ffffff; stroke: #8c959f; }
  .name-ours { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } .edge { stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .ours { fill: #4493f8; } .peer { fill: #656c76; } .limit { fill: #0d1117; stroke: #7d8590; }
  }`

/** `head`: the row that names the machine. */
export function chart(summaries: readonly Summary[], head: Row | undefined): string {
  const shown = panels
    .map((panel) => ({ panel, bars: barsOf(panel, summaries) }))
    .filter(({ bars }) => bars.length > 0)
  const most = Math.max(0, ...shown.map(({ bars }) => bars.length))
  const panelHeight = panelHead + most * barStep
  const lines = Math.ceil(shown.length / columns)
  const height = headHeight + lines * (panelHeight + gap) + 4
  const drawn = shown.map(({ panel, bars }, index) => {
    const x = margin + (index % columns) * (panelWidth + gap)
    const y = headHeight + Math.trunc(index / columns) * (panelHeight + gap)
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, bars)}</g>`
  })
  const day = String(head?.['at'] ?? '').slice(0, 10)
  const machine = `${day}, ${head?.['processor']}, ${head?.['cores']} cores shared with the load client`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">Parley beside ejabberd and Prosody, measured on ${escape(machine)}</title>
<style>${style}
</style>
<rect class="ground edge" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
${text({ x: margin, y: 34, name: 'title', words: 'Parley beside ejabberd and Prosody' })}
${text({ x: margin, y: 54, name: 'quiet', words: `${machine}; outlined: a relay that only stores and forwards` })}
${drawn.join('\n')}
</svg>
`
}

/** Of the two relays the one that stores, which is the limit of what ours does. */
function barsOf({ cell, key }: Panel, summaries: readonly Summary[]) {
  const mine = summaries.filter((summary) => summary.cell.id === cell)
  const storing = mine.some(({ peer }) => peer === 'relay-sqlite')
  return mine
    .filter(({ peer }) => peer !== 'relay' || !storing)
    .map((summary) => ({ summary, value: summary.figures.get(key)?.median }))
}

function drawPanel(panel: Panel, bars: ReturnType<typeof barsOf>): string {
  const top = Math.max(...bars.map(({ value }) => value ?? 0), 0)
  const room = panelWidth - labelWidth - valueWidth
  const drawn = bars.map(({ summary, value }, index) => {
    const y = panelHead + index * barStep
    const kind = kindOf(summary.peer)
    const words = value === undefined ? reasonOf(summary) : figure(value) + mark(summary)
    const bar = top > 0 && value !== undefined ? Math.max((value / top) * room, 1.5) : 0
    const label = {
      x: labelWidth - 8,
      y: y + 11,
      name: `name-${kind}`,
      words: titleOf(summary.peer),
    }
    return [
      text({ ...label, anchor: 'end' }),
      `<rect class="${kind}" x="${labelWidth}" y="${y}" width="${bar.toFixed(1)}" height="${barHeight}" rx="2"/>`,
      text({
        x: labelWidth + bar + 6,
        y: y + 11,
        name: value === undefined ? 'quiet' : `name-${kind}`,
        words,
      }),
    ].join('')
  })
  return [
    text({ x: 0, y: 14, name: 'head', words: panel.title }),
    text({ x: 0, y: 30, name: 'quiet', words: panel.says }),
    ...drawn,
  ].join('')
}

function kindOf(peer: string): 'ours' | 'limit' | 'peer' {
  if (peer === 'parley') return 'ours'
  return peer.startsWith('relay') ? 'limit' : 'peer'
}

function reasonOf({ without }: Summary): string {
  return without?.isSlow ? 'cannot keep up' : 'no result'
}

interface Text {
  x: number
  y: number
  name: string
  words: string
  anchor?: 'end'
}

function text({ x, y, name, words, anchor }: Text): string {
  const end = anchor === 'end' ? ' text-anchor="end"' : ''
  return `<text class="${name}" x="${x.toFixed(1)}" y="${y}"${end}>${escape(words)}</text>`
}

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
