/** The relay as a peer, bare or with its mailbox table. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithUs } from '../load/end-with-us.ts'
import { cpuSeconds, residentKib } from '../load/measure.ts'
import { relayProtocol } from '../load/relay-protocol.ts'
import type { Peer } from './peer.ts'

const readyPattern = /^ready (\d+)$/m

/** It keeps no accounts: any user number logs in. */
export async function startRelay(kind: 'relay' | 'relay-sqlite'): Promise<Peer> {
  await using opened = new AsyncDisposableStack()
  const durable = kind === 'relay-sqlite'
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const script = join(import.meta.dirname, 'relay-server.ts')
  const file = durable ? [join(folder, 'mailbox.sqlite')] : []
  const child = Bun.spawn([process.execPath, script, '0', ...file], {
    detached: true,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  opened.defer(endWithUs(() => child.kill('SIGKILL')))
  opened.defer(async () => {
    child.kill('SIGKILL')
    await child.exited
  })
  const port = await readyPort(child.stdout)
  const kept = opened.move()
  return {
    name: kind,
    durable,
    stores: false,
    port,
    protocol: relayProtocol(port),
    cpuSeconds: () => cpuSeconds(child.pid),
    residentKib: () => residentKib(child.pid),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function readyPort(output: ReadableStream<Uint8Array>): Promise<number> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of output) {
    text += decoder.decode(chunk, { stream: true })
    const port = readyPattern.exec(text)?.[1]
    if (port !== undefined) return Number(port)
  }
  throw new Error('the relay ended at the start')
}
