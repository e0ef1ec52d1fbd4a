/** What the seeds have met: faults, frames, error paths. Says what it never met, too. */
import { apiErrors, closeReasons, rejectReasons } from '@parley/wire'
import type { ClientFrame, EntryContent, ServerFrame } from '@parley/wire'

/** By kind, then by name. */
export type Met = Record<string, Record<string, number>>

export class Coverage {
  readonly met: Met = {}

  meet(kind: string, name: string): void {
    const names = (this.met[kind] ??= {})
    names[name] = (names[name] ?? 0) + 1
  }

  add(other: Met): void {
    for (const [kind, names] of Object.entries(other)) {
      for (const [name, count] of Object.entries(names)) {
        const own = (this.met[kind] ??= {})
        own[name] = (own[name] ?? 0) + count
      }
    }
  }
}

/** Frames and codes of the wire: all that there is to meet. */
const known: Met = {
  'frames to the server': all<ClientFrame['kind']>({
    hello: 0,
    send: 0,
    ack: 0,
    receipt: 0,
    fetch: 0,
    typing: 0,
    subscribe: 0,
    ping: 0,
  }),
  'frames to clients': all<ServerFrame['kind']>({
    welcome: 0,
    accepted: 0,
    rejected: 0,
    entry: 0,
    'caught-up': 0,
    receipts: 0,
    presence: 0,
    typing: 0,
    closing: 0,
    pong: 0,
  }),
  entries: all<EntryContent['kind']>({ message: 0, receipt: 0, devices: 0 }),
  'refusals of sends': namesOf(rejectReasons),
  'closed by the server': namesOf(closeReasons),
  'errors of the API': namesOf(apiErrors),
}

function all<Name extends string>(names: Record<Name, number>): Record<string, number> {
  return names
}

function namesOf(names: object): Record<string, number> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, 0]))
}

/** By kind, the names that no seed has met. */
export function neverMet(met: Met): Record<string, string[]> {
  const never: Record<string, string[]> = {}
  for (const [kind, names] of Object.entries(known)) {
    const missing = Object.keys(names).filter((name) => !met[kind]?.[name])
    if (missing.length > 0) never[kind] = missing
  }
  return never
}

/** For people. */
export function table(met: Met): string {
  const lines: string[] = []
  for (const kind of Object.keys(met).toSorted()) {
    lines.push(kind)
    const rows = Object.entries(met[kind] ?? {}).toSorted(([, a], [, b]) => b - a)
    for (const [name, count] of rows) lines.push(`${String(count).padStart(12)}  ${name}`)
    const never = neverMet(met)[kind]
    if (never) lines.push(`       never  ${never.join(', ')}`)
  }
  for (const [kind, names] of Object.entries(neverMet(met))) {
    if (!met[kind]) lines.push(kind, `       never  ${names.join(', ')}`)
  }
  return lines.join('\n')
}
