/**
 * Waiting for something to become true in the profile: asked at once, and again after each change.
 * Ends with a failure when it never can.
 */
import { failureOf } from './failure.ts'
import { requireRegistered } from './registered.ts'
import type { Watched } from './profile/calls.ts'
import type { Profile } from './profile/profile.ts'

export interface WaitOptions<T> {
  watched: Watched
  /** Undefined: not yet. */
  read: () => Promise<T | undefined>
  /** Undefined is then the answer. */
  giveUp: AbortSignal
}

export async function waitFor<T>(
  profile: Profile,
  { watched, read, giveUp }: WaitOptions<T>,
): Promise<T | undefined> {
  let changed = true
  let wake = () => {}
  const listener = () => {
    changed = true
    wake()
  }
  const ends = [watched, 'connection' as const].map((each) => profile.watch(each, listener))
  giveUp.addEventListener('abort', listener)
  try {
    for (;;) {
      changed = false
      const found = await read()
      if (found !== undefined || giveUp.aborted) return found
      await requireHope(profile)
      if (!changed) await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    for (const end of ends) end()
    giveUp.removeEventListener('abort', listener)
  }
}

/** A connection that has stopped for good brings nothing any more. */
async function requireHope(profile: Profile): Promise<void> {
  const { status, problem } = await profile.call('connection')
  if (status !== 'stopped') return
  requireRegistered(await profile.call('account'), profile.settings)
  if (problem) throw failureOf(problem)
}
