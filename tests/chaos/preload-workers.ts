/** For planted faults in the server's threads, which do not run what the process was told to. */

/** The threads of this process run the file first, too. */
export function preloadInWorkers(file: string): void {
  if (!Bun.isMainThread) return
  const Plain = Worker
  Reflect.set(
    globalThis,
    'Worker',
    class extends Plain {
      constructor(url: string | URL, options?: Bun.WorkerOptions) {
        super(url, { ...options, preload: file })
      }
    },
  )
}
