/** Logging many users in. */
import { inParallel } from './measure.ts'
import type { LoadEvents, LoadSession, Login, Protocol } from './protocol.ts'
import type { Watch } from './watch.ts'

interface Logins {
  logins: readonly Login[]
  atOnce: number
  events: LoadEvents
}

/** Sessions in the order of the logins; fewer when the run is stopped. */
export async function logInAll(
  protocol: Protocol,
  { logins, atOnce, events }: Logins,
  watch: Watch,
): Promise<LoadSession[]> {
  const sessions: LoadSession[] = []
  let done = 0
  await inParallel([...logins.entries()], atOnce, async ([index, login]) => {
    if (watch.signal.aborted) return
    sessions[index] = await protocol.logIn(login, events)
    watch.show(++done, logins.length)
  })
  return sessions.filter((session) => session !== undefined)
}

/** Logins of users from a number on. */
export function usersFrom(first: number, users: number, hearsAccepted: boolean): Login[] {
  return Array.from({ length: users }, (_, index) => ({ user: first + index, hearsAccepted }))
}
