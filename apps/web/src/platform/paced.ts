/**
 * Calls one after the other with a pause between them; of what comes meanwhile only the newest is
 * called for. For news that the next one makes old, like read marks.
 */
export function paced<T>(
  call: (value: T) => Promise<void>,
  pause: () => Promise<void>,
): (value: T) => void {
  let waiting: { value: T } | undefined
  let isBusy = false
  const work = async () => {
    isBusy = true
    while (waiting !== undefined) {
      const { value } = waiting
      waiting = undefined
      await call(value)
      await pause()
    }
    isBusy = false
  }
  return (value) => {
    waiting = { value }
    if (!isBusy) void work()
  }
}
