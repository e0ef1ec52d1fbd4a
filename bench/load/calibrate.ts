/** How fast the machine is just now: a slow moment of it is no slow server. */

const rounds = 20_000_000
const tableSize = 1 << 18

/** CPU milliseconds of a fixed piece of work, about 50 of them. */
export function calibrate(): number {
  const table = new Uint32Array(tableSize)
  let state = 1
  const before = process.cpuUsage()
  for (let round = 0; round < rounds; round++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const at = state & (tableSize - 1)
    table[at] = (table[at] ?? 0) + round
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
