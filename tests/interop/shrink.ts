// Cuts a schedule that fails down to a small one that still fails: first to its last turns, then by
// leaving out turns, then messages, then what a message or turn has of its own (delta debugging).
// The oracle's keys are new each time, so a failure that hangs on them may be kept larger.

import type { Schedule, Spoken, Turn } from './schedule.ts'

export interface Shrunk {
  schedule: Schedule
  problem: string
  reruns: number
}

/** What is wrong with a schedule when it is played, if anything. */
export type Replay = (schedule: Schedule) => Promise<string | undefined>

/** Bounds the time: a schedule may have tens of thousands of messages. */
export const RERUNS_MAX = 500
const MESSAGES_MAX = 150_000
const SUFFIX_TURNS = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]

export async function shrink(
  failing: { schedule: Schedule; problem: string },
  replay: Replay,
): Promise<Shrunk> {
  const best: Shrunk = { ...failing, reruns: 0 }
  let messages = 0

  async function fails(turns: Turn[]): Promise<boolean> {
    const length = turns.reduce((sum, turn) => sum + turn.messages.length, 0)
    if (best.reruns >= RERUNS_MAX || messages + length > MESSAGES_MAX) return false
    best.reruns++
    messages += length
    const schedule = { ...best.schedule, turns }
    const problem = await replay(schedule)
    if (problem === undefined) return false
    Object.assign(best, { schedule, problem })
    return true
  }

  for (const length of SUFFIX_TURNS) {
    if (length >= best.schedule.turns.length) break
    if (await fails(best.schedule.turns.slice(-length))) break
  }
  let size = Number.POSITIVE_INFINITY
  while (JSON.stringify(best.schedule).length < size) {
    size = JSON.stringify(best.schedule).length
    await minimise(best.schedule.turns, fails)
    await minimise(messagesOf(best.schedule.turns), (kept) =>
      fails(turnsWith(best.schedule.turns, kept)),
    )
    await simplify(() => best.schedule.turns, fails)
  }
  return best
}

/** Leaves out ever smaller parts of a list for as long as what remains still fails. */
export async function minimise<T>(
  items: readonly T[],
  fails: (kept: T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = [...items]
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await fails(without)) kept = without
      else at += size
    }
  }
  return kept
}

function messagesOf(turns: readonly Turn[]): Spoken[] {
  return turns.flatMap(({ messages }) => messages)
}

function turnsWith(turns: readonly Turn[], kept: readonly Spoken[]): Turn[] {
  const wanted = new Set(kept)
  return turns.map((turn) => ({
    ...turn,
    messages: turn.messages.filter((message) => wanted.has(message)),
  }))
}

const PLAINER_TURNS: readonly ((turn: Turn) => Turn)[] = [
  ({ begin: _, ...turn }) => turn,
  (turn) => (turn.begin ? { ...turn, begin: { early: 0 } } : turn),
  ({ monologue: _, ...turn }) => turn,
]
const PLAINER_MESSAGES: readonly ((spoken: Spoken) => Spoken)[] = [
  ({ again: _, ...spoken }) => spoken,
  ({ restart: _, ...spoken }) => spoken,
  (spoken) => ({ ...spoken, bytes: 0 }),
  (spoken) => ({ ...spoken, delay: 0 }),
  (spoken) => (spoken.delay ? { ...spoken, delay: 1 } : spoken),
]

async function simplify(
  current: () => readonly Turn[],
  fails: (turns: Turn[]) => Promise<boolean>,
): Promise<void> {
  for (const at of current().keys()) {
    for (const plainer of PLAINER_TURNS) {
      await tryInstead(current(), at, plainer, fails)
    }
    for (const place of (current()[at]?.messages ?? []).keys()) {
      for (const plainer of PLAINER_MESSAGES) {
        const change = (turn: Turn): Turn => ({
          ...turn,
          messages: turn.messages.map((spoken, index) =>
            index === place ? plainer(spoken) : spoken,
          ),
        })
        await tryInstead(current(), at, change, fails)
      }
    }
  }
}

async function tryInstead(
  turns: readonly Turn[],
  at: number,
  change: (turn: Turn) => Turn,
  fails: (turns: Turn[]) => Promise<boolean>,
): Promise<void> {
  const changed = turns.map((turn, index) => (index === at ? change(turn) : turn))
  if (JSON.stringify(changed) !== JSON.stringify(turns)) await fails(changed)
}
