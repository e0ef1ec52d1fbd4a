// Starts the oracle and puts requests to it. Requests of one tick travel as one line, so that many
// conversations at a time cost few round trips.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { libraryEntry } from './install.ts'
import type { OracleAnswer, OracleRequest, OracleResults } from './oracle-protocol.ts'

/** One side would not take what it was given: a proper refusal, not a failure of the test. */
export class Refused extends Error {}

export interface Oracle extends AsyncDisposable {
  ask<Op extends OracleRequest['op']>(
    request: Extract<OracleRequest, { op: Op }>,
  ): Promise<OracleResults[Op]>
}

interface Waiting {
  request: OracleRequest
  resolve(result: unknown): void
  reject(error: Error): void
}

export function startOracle(version: string): Oracle {
  const script = join(import.meta.dirname, 'oracle.ts')
  const child = spawn(process.execPath, [script, libraryEntry(version)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let queued: Waiting[] = []
  let sent: Waiting[][] = []

  function flush(): void {
    const batch = queued
    queued = []
    sent.push(batch)
    child.stdin.write(`${JSON.stringify(batch.map(({ request }) => request))}\n`)
  }

  createInterface({ input: child.stdout }).on('line', (line) => {
    const [batch, ...rest] = sent
    sent = rest
    const answers = JSON.parse(line) as OracleAnswer[]
    for (const [index, { resolve, reject }] of (batch ?? []).entries()) {
      const answer = answers[index]
      if (answer && 'result' in answer) resolve(answer.result)
      else reject(new Refused(answer?.refused ?? 'no answer'))
    }
  })
  child.once('exit', (code) => {
    const error = new Error(`the oracle ended with code ${code}`)
    for (const { reject } of [...sent.flat(), ...queued]) reject(error)
  })

  return {
    ask(request) {
      if (queued.length === 0) setImmediate(flush)
      return new Promise((resolve, reject) => {
        queued.push({ request, resolve: resolve as Waiting['resolve'], reject })
      })
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
    },
  }
}
