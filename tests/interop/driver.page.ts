// Our side in a page: leaves a function that performs a job, and reaches the oracle over a WebSocket.

import { browserCurve } from '@parley/crypto/browser'
import { type Job, type JobResult, perform } from './jobs.ts'
import { linkOracle, type Oracle } from './oracle-link.ts'

async function openOracle(version: string): Promise<Oracle> {
  const socket = new WebSocket(new URL(`/oracle/${version}`, import.meta.url))
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  const { ask, receive, lose } = linkOracle((line) => socket.send(line))
  socket.onmessage = ({ data }) => receive(String(data))
  const closed = new Promise<void>((resolve) => {
    socket.onclose = () => {
      lose('the WebSocket was closed')
      resolve()
    }
  })
  return {
    ask,
    async [Symbol.asyncDispose]() {
      socket.close()
      await closed
    },
  }
}

async function performJob(job: Job): Promise<JobResult> {
  const curve = await browserCurve()
  if (curve === undefined) throw new Error('this browser has no X25519 and Ed25519 of its own')
  return perform(job, { curve, openOracle })
}

Object.assign(globalThis, { performJob })
