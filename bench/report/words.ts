/** How the report writes names and figures. */
import type { Summary } from './summary.ts'

const titles: Readonly<Record<string, string>> = {
  parley: 'Parley',
  relay: 'bare relay',
  'relay-sqlite': 'relay with SQLite',
  'ejabberd-sqlite': 'ejabberd, SQLite',
  'ejabberd-pgsql': 'ejabberd, PostgreSQL',
  'ejabberd-mnesia': 'ejabberd, Mnesia',
  'prosody-internal': 'Prosody, files',
  'prosody-sqlite': 'Prosody, SQLite',
}

export function titleOf(peer: string): string {
  return titles[peer] ?? peer
}

/** Three digits are more than these figures are good for; those of whole things stay whole. */
export function figure(value: number): string {
  const rounded = value >= 100 ? Math.round(value) : Number(value.toPrecision(3))
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 3 })
}

export function times(ratio: number): string {
  return `${figure(Number(ratio.toPrecision(2)))}×`
}

/** Of a peer whose run is void by its own doing. */
export function mark(summary: Summary): string {
  return summary.errors > 0 ? ' †' : ''
}
