/**
 * `parley`: one program for the server and for people on a terminal. Each half is loaded only when
 * it is wanted, since the server needs no client and must start quickly.
 */

export async function run(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'serve') {
    const { serve } = await import('@parley/app-server')
    return serve(argv.slice(1))
  }
  // Profiles hold private keys: no file that is made here is for others.
  process.umask(0o077)
  const { runCommand } = await import('./program.ts')
  const stopping = new AbortController()
  const stop = () => {
    // The second time it is meant.
    if (stopping.signal.aborted) process.exit(1)
    stopping.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const { stdin, stdout, stderr, env: environment } = process
  // Nobody reads any more (`| head`): the write that fails tells whoever wrote.
  stdout.on('error', () => stopping.abort())
  return runCommand(argv, { environment, stdin, stdout, stderr, stop: stopping.signal })
}

if (import.meta.main) process.exit(await run(process.argv.slice(2)))
