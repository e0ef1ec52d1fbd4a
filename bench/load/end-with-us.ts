/**
 * Servers under load do not hear the terminal's Ctrl-C, else a run could not come to its end; but
 * whatever ends this process ends them.
 */
const kills = new Set<() => void>()

process.on('exit', () => {
  for (const kill of kills) kill()
})

/** Returns the function to call once the server has ended otherwise. */
export function endWithUs(kill: () => void): () => void {
  kills.add(kill)
  return () => void kills.delete(kill)
}
