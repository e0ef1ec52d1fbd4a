// Our side in Node: a task comes on the standard input, its result goes to the standard output.

import { text } from 'node:stream/consumers'
import { bunCurve } from '@parley/crypto/bun'
import { perform } from './jobs.ts'
import { startOracle } from './oracle-process.ts'
import type { NodeTask } from './runtimes.ts'

const { job, programs } = JSON.parse(await text(process.stdin)) as NodeTask
const result = await perform(job, {
  curve: bunCurve,
  async openOracle(version) {
    const program = programs[version]
    if (program === undefined) throw new Error(`the oracle ${version} was not made ready`)
    return startOracle(program)
  },
})
process.stdout.write(JSON.stringify(result))
