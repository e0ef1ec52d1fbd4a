/** Waiting for something to become true in the profile: asked at once, and again after each change. */
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
  const end = profile.watch(watched, listener)
  giveUp.addEventListener('abort', listener)
  try {
    for (;;) {
      changed = false
      const found = await read()
      if (found !== undefined || giveUp.aborted) return found
      if (!changed) await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    end()
    giveUp.removeEventListener('abort', listener)
  }
}
