/** A process that runs seeds, one after the other: asked by a line, it answers with one of JSON. */
import type { RunOutcome } from './world.ts'

export interface Worker {
  /** What came of the seed, or why nothing did; then the process is of no use any more. */
  ask(seed: number): Promise<RunOutcome | 'died' | 'hangs'>
  kill(): void
  end(): Promise<void>
}

export function startWorker(command: readonly string[], patienceMs: number): Worker {
  const child = Bun.spawn([...command], { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
  const lines = linesOf(child.stdout)
  return {
    async ask(seed) {
      const late = Promise.withResolvers<'hangs'>()
      const timer = setTimeout(() => late.resolve('hangs'), patienceMs)
      try {
        void child.stdin.write(`${seed}\n`)
        await child.stdin.flush()
        const answer = await Promise.race([lines.next(), late.promise])
        if (answer === 'hangs') return answer
        return answer.done ? 'died' : (JSON.parse(answer.value) as RunOutcome)
      } catch {
        // It died before it had read the line, or in the middle of its answer.
        return 'died'
      } finally {
        clearTimeout(timer)
      }
    },
    kill: () => child.kill('SIGKILL'),
    async end() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

/** The lines of what comes in; what follows the last line end is none. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
