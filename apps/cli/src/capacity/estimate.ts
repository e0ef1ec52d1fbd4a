/**
 * The estimate that the requirements start from (R182-R188), beside what the model makes of the
 * same assumptions: a model that cannot say what an envelope says is wrong.
 */
import { loadOf, planFor, usualAssumptions } from './model.ts'
import type { Assumptions, Figures } from './model.ts'

export interface Compared {
  quantity: string
  unit: string
  estimate: number
  model: number
}

/** The estimate knows no peak but that of connections, and stores a message in 1 KB (R183). */
const assumed: Omit<Assumptions, 'dailyUsers'> = { ...usualAssumptions, peakFactor: 1 }
const messageBytes = 1_000
const daysPerYear = 365

export function compareWithEstimate(figures: Figures): Compared[] {
  const world = { ...assumed, dailyUsers: 500_000_000 }
  const box = { ...assumed, dailyUsers: 100_000 }
  const sizes = { diskBytesPerMessage: messageBytes, networkBytesPerMessage: 2 * messageBytes }
  const plan = planFor(world, { ...figures, ...sizes })
  const ofBox = planFor(box, { ...figures, ...sizes })
  const load = loadOf(world)
  const inBytes = 1e6 / 8
  return [
    row('500 M daily users: messages a day', '', 5e9, load.messagesPerDay),
    row('connections at the peak', '', 50e6, load.connections),
    row('messages a second', '/s', 57_870, load.messagesPerSAverage),
    row('stored a day', 'TB', 5, plan.diskGbPerDay / 1_000),
    row('stored a year', 'PB', 1.8, (plan.diskGbPerDay * daysPerYear) / 1e6),
    // R184 takes 10 KB a second for each of 10 M connections, about 860 times what R182 needs.
    row('bandwidth of messages', 'GB/s', 100, (plan.bandwidthMbitPerS.messages * inBytes) / 1e9),
    row('100,000 daily users: connections', '', 10_000, ofBox.connections),
    row('messages a day', '', 1e6, ofBox.messagesPerDay),
    row('messages a second', '/s', 11.6, ofBox.messagesPerSAverage),
    row('stored a day', 'GB', 1, ofBox.diskGbPerDay),
    row('nodes', '', 1, ofBox.nodes),
  ]
}

function row(quantity: string, unit: string, estimate: number, model: number): Compared {
  return { quantity, unit, estimate, model }
}
