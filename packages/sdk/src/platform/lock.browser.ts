/**
 * One leader among the tabs of an origin, by Web Locks: the lock goes with the tab, however that
 * ends, to the one that has waited longest.
 */

interface LockManager {
  request(
    name: string,
    options: { signal: AbortSignal },
    granted: () => Promise<void>,
  ): Promise<void>
}

/** Undefined where the page is not trusted: over http from another machine, for one. */
export function webLocks(): LockManager | undefined {
  return (navigator as unknown as { locks?: LockManager }).locks
}

/**
 * Calls `lead` when this tab is the leader, and what it gives when `signal` ends that. Resolves
 * when it is over.
 */
export async function leadWhenFirst(
  options: { locks: LockManager; name: string; signal: AbortSignal },
  lead: () => () => void,
): Promise<void> {
  const { locks, name, signal } = options
  const granted = async () => {
    const end = lead()
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    end()
  }
  try {
    await locks.request(name, { signal }, granted)
  } catch (error) {
    // Whoever gives up before it was granted is refused.
    if (!signal.aborted) throw error
  }
}
