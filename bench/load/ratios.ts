/** What a row says beside the relays of the same call: a machine's speed drifts, ratios less so. */
import type { PairsRow } from './pairs.ts'

/** Keys for a row of 1:1 messages; none for the relays themselves, or without them. */
export function againstRelays(row: PairsRow, rows: readonly PairsRow[]) {
  if (row.peer.startsWith('relay')) return {}
  const bare = rows.find(({ peer }) => peer === 'relay')
  const stored = rows.find(({ peer }) => peer === 'relay-sqlite')
  const isClosed = row.offered_per_s === undefined
  return {
    relay_rate_share: bare && isClosed ? ratio(row.rate_per_s, bare.rate_per_s) : undefined,
    ...(stored && {
      rate_to_relay_sqlite: isClosed ? ratio(row.rate_per_s, stored.rate_per_s) : undefined,
      cpu_to_relay_sqlite: ratio(row.server_cpu_us, stored.server_cpu_us),
      p50_to_relay_sqlite: ratio(row.p50_ms, stored.p50_ms),
      p99_to_relay_sqlite: ratio(row.p99_ms, stored.p99_ms),
      p999_to_relay_sqlite: ratio(row.p999_ms, stored.p999_ms),
      one_way_p50_to_relay_sqlite: ratio(row.one_way_p50_ms, stored.one_way_p50_ms),
      one_way_p99_to_relay_sqlite: ratio(row.one_way_p99_ms, stored.one_way_p99_ms),
    }),
  }
}

interface LoginsRow {
  peer: string
  logins_per_s: number
  server_cpu_us: number
  p50_ms: number
}

/** Keys for a row of logins: the bare relay takes connections, and asks nobody who they are. */
export function againstRelay(row: LoginsRow, rows: readonly LoginsRow[]) {
  const bare = rows.find(({ peer }) => peer === 'relay')
  if (!bare || row === bare) return {}
  return {
    relay_rate_share: ratio(row.logins_per_s, bare.logins_per_s),
    cpu_to_relay: ratio(row.server_cpu_us, bare.server_cpu_us),
    p50_to_relay: ratio(row.p50_ms, bare.p50_ms),
  }
}

function ratio(value: number, of: number): number | undefined {
  return of > 0 ? Math.round((100 * value) / of) / 100 : undefined
}
