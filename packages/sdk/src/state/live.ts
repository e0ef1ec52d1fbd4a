/**
 * Live queries: a snapshot that is computed when somebody asks and something it reads has changed
 * since, and listeners that are called once per commit.
 */
import type { Store, TopicKey } from '../store/store.ts'
import type { LiveQuery } from '../types.ts'

/** A query over the store that has to be computed anew when one of the keys was touched. */
export function liveQuery<T>(
  store: Store,
  keys: readonly TopicKey[],
  compute: () => T,
): LiveQuery<T> {
  let cached: { value: T; version: number } | undefined
  const version = () => keys.reduce((sum, key) => sum + store.versionOf(key), 0)
  return {
    getSnapshot() {
      const current = version()
      if (!cached || cached.version !== current) cached = { value: compute(), version: current }
      return cached.value
    },
    subscribe(listener) {
      return store.onChange((touched) => {
        if (keys.some((key) => touched.has(key))) listener()
      })
    },
  }
}
