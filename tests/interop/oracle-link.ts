// Puts requests to the oracle over whatever carries lines there and back: the pipes of a process,
// or a WebSocket from a browser. Requests that are made together travel as one line, so that many
// conversations at a time cost few round trips.

import type { OracleAnswer, OracleRequest, OracleResults } from './oracle-protocol.ts'

/** One side would not take what it was given: a proper refusal, not a failure of the test. */
export class Refused extends Error {}

/** The oracle is gone: nothing can be said about our side any more. */
export class OracleLost extends Error {}

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

export interface OracleLink {
  ask: Oracle['ask']
  /** Takes a line from the oracle. */
  receive(line: string): void
  /** Nothing more will come. */
  lose(why: string): void
}

export function linkOracle(sendLine: (line: string) => void): OracleLink {
  let queued: Waiting[] = []
  let sent: Waiting[][] = []
  let lost: OracleLost | undefined

  function flush(): void {
    const batch = queued
    queued = []
    sent.push(batch)
    sendLine(JSON.stringify(batch.map(({ request }) => request)))
  }

  return {
    ask(request) {
      if (lost) return Promise.reject(lost)
      if (queued.length === 0) queueMicrotask(flush)
      return new Promise((resolve, reject) => {
        queued.push({ request, resolve: resolve as Waiting['resolve'], reject })
      })
    },
    receive(line) {
      const [batch = [], ...rest] = sent
      sent = rest
      const answers = JSON.parse(line) as OracleAnswer[]
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = answers[index]
        if (answer && 'result' in answer) resolve(answer.result)
        else reject(new Refused(answer?.refused ?? 'no answer'))
      }
    },
    lose(why) {
      lost = new OracleLost(`the oracle is gone: ${why}`)
      for (const { reject } of [...sent.flat(), ...queued]) reject(lost)
      sent = []
    },
  }
}
