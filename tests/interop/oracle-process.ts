// Starts the oracle in a process of its own, in Bun whatever our side runs in.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { linkOracle, type Oracle } from './oracle-link.ts'

/** Where the parts of the oracle are, which a bundle cannot find out by itself. */
export interface OracleProgram {
  /** The Bun that runs it. */
  bun: string
  /** Path of oracle.ts. */
  script: string
  /** Path of the library's entry. */
  entry: string
}

export interface OracleProcess extends AsyncDisposable {
  sendLine(line: string): void
  onLine(listen: (line: string) => void): void
  onEnd(listen: (why: string) => void): void
}

export function spawnOracle({ bun, script, entry }: OracleProgram): OracleProcess {
  const child = spawn(bun, [script, entry], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // What was written to a child that has ended shows as its exit.
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })
  return {
    sendLine: (line) => child.stdin.write(`${line}\n`),
    onLine: (listen) => lines.on('line', listen),
    onEnd: (listen) => child.once('exit', (code) => listen(`it ended with code ${code}`)),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
    },
  }
}

export function startOracle(program: OracleProgram): Oracle {
  const child = spawnOracle(program)
  const link = linkOracle(child.sendLine)
  child.onLine(link.receive)
  child.onEnd(link.lose)
  return { ask: link.ask, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() }
}
