/**
 * Lets everything that one simulated event set off come to rest before time goes on: promises, and
 * the native cryptography of the server's tokens, whose threads know nothing of simulated time.
 */

const quietTurns = 3
const methods = ['sign', 'verify', 'digest', 'importKey', 'exportKey', 'generateKey'] as const

let nativeWork = 0

type Native = (...input: unknown[]) => Promise<unknown>

/** Counts what WebCrypto is doing. */
function watchNativeWork(): void {
  const subtle = crypto.subtle as unknown as Record<string, Native>
  for (const method of methods) {
    const native = subtle[method]?.bind(subtle)
    if (!native) throw new Error(`there is no crypto.subtle.${method}`)
    const watched: Native = async (...input) => {
      nativeWork++
      try {
        return await native(...input)
      } finally {
        nativeWork--
      }
    }
    Object.defineProperty(subtle, method, { value: watched })
  }
}

watchNativeWork()

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export async function settle(): Promise<void> {
  for (let quiet = 0; quiet < quietTurns; quiet = nativeWork > 0 ? 0 : quiet + 1) await turn()
}
