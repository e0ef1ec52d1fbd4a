/**
 * 1:1 online: users in pairs, 300-byte bodies; the receiver answers each message with a delivered
 * receipt of its own, and a round is over when that has reached the sender. Every peer gets the
 * same.
 */
import { loadPairs } from '../load/pairs.ts'
import { againstRelays } from '../load/ratios.ts'
import { inTurn, withLimits } from '../peers/in-turn.ts'
import { count, counts, flag, scenario } from '../scenario.ts'

const [warmS, drainS] = [3, 30]

export const oneToOne = scenario({
  says: 'users in pairs, 300-byte bodies, delivered receipts',
  options: {
    users: count(1000, 'users, in pairs'),
    w: counts('messages in flight per user, closed loops, as 1,8 (1,8 unless --rate)'),
    rate: counts('messages a second in all, open loops (1000 unless --w)'),
    measure: count(8, 'seconds measured at least'),
    alone: flag('without the relays that are the physical limit'),
  },
  async *run({ users, w, rate, measure: measureS, alone }, watch) {
    const cells = [
      ...(w ?? (rate ? [] : [1, 8])).map((inFlight) => ({ w: inFlight, ratePerS: 0 })),
      ...(rate ?? (w ? [] : [1000])).map((ratePerS) => ({ w: 0, ratePerS })),
    ]
    const options = { users: users + (users % 2), warmS, measureS, drainS }
    const peers = alone ? withLimits.alone : withLimits.besideBoth
    for (const cell of cells) {
      const rows = []
      for await (const peer of inTurn(peers, { users: options.users, durable: true }, watch)) {
        const row = await loadPairs(peer, { ...options, ...cell }, watch)
        rows.push(row)
        yield { ...row, ...againstRelays(row, rows) }
      }
      if (watch.signal.aborted) return
    }
  },
})
