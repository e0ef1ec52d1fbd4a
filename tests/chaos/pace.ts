/** How much is written when: the seed draws louder and quieter seconds around the given rate. */
import type { SimRandom } from '@parley/testkit'
import type { Load } from './channel.ts'

const waveMs = { least: 500, most: 5_000 }
/** After a stall nobody writes everything at once that was not written. */
const dueMax = 500

/** Returns how many messages are due since the last call. */
export function paceOf({ ratePerS }: Load, random: SimRandom): (nowMs: number) => number {
  let lastMs: number | undefined
  let waveEndsMs = 0
  let factor = 1
  let owed = 0
  return (nowMs) => {
    if (nowMs >= waveEndsMs) {
      waveEndsMs = nowMs + random.between(waveMs.least, waveMs.most)
      factor = random.pick([0.3, 0.7, 1, 1, 1.3, 1.7])
    }
    owed += ((nowMs - (lastMs ?? nowMs)) / 1_000) * ratePerS * factor
    lastMs = nowMs
    const due = Math.min(Math.floor(owed), dueMax)
    owed = due === dueMax ? 0 : owed - due
    return due
  }
}
