/**
 * Runs before the server in its process: steps its clock by the milliseconds that stand in a file,
 * whenever they change.
 */
import { readFileSync } from 'node:fs'

/** Names the file. */
export const clockFileVariable = 'PARLEY_CHAOS_CLOCK'
const lookEveryMs = 50

const path = process.env[clockFileVariable]
if (path !== undefined) {
  const trueNow = Date.now
  let offsetMs = 0
  const look = () => {
    const offset = Number(readFileSync(path, 'utf8'))
    if (Number.isFinite(offset)) offsetMs = offset
  }
  look()
  Date.now = () => trueNow() + offsetMs
  setInterval(look, lookEveryMs).unref()
}
