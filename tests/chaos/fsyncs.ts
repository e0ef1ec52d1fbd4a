/**
 * `npm run chaos -- --fsyncs`: the server under strace while a client sends single messages and
 * bursts. SIGKILL spares what the kernel has not written yet; this shows that nothing leans on it.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnServer } from '@parley/testkit'
import {
  decodeServerFrame,
  encodeClientFrame,
  fromHex,
  inboxOf,
  parseAccountId,
  parseDeviceId,
  positionAt,
  subprotocol,
} from '@parley/wire'
import type { RawUser } from './channel.ts'
import { idOf, textOf } from './message-names.ts'
import { registerRawUser, tokenFor } from './raw-users.ts'
import { judgeCalls, readCalls } from './strace-log.ts'
import type { FsyncVerdict, TracedSend } from './strace-log.ts'

/** A planted fault that must be found: the log leans on the kernel. */
export const unsynced = join(import.meta.dirname, 'unsynced.fixture.ts')

const singles = 50
const bursts = 10
const burstMessages = 25
/** Longer than any write of the server. */
const stringBytesMax = 1 << 20
const traced = 'pwrite64,pwritev,fsync,fdatasync,write,writev,sendto,sendmsg'

/** Installs Debian's package when it may; false when there is no strace. */
export async function haveStrace(tell: (line: string) => void): Promise<boolean> {
  if (Bun.which('strace')) return true
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false
  tell('Installing strace from Debian')
  for (const order of [['update'], ['install', '-y', '--no-install-recommends', 'strace']]) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const options = { env, stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' } as const
    await Bun.spawn(['apt-get', '-qq', ...order], options).exited
  }
  return Bun.which('strace') !== null
}

/** `preload`: a file that the server runs first. Throws when strace may not attach to it. */
export async function countFsyncs(preload: string | undefined): Promise<FsyncVerdict> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'parley-fsyncs-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const server = opened.use(
    await spawnServer({
      dataFolder: join(folder, 'data'),
      ...(preload !== undefined && { preload: { file: preload, environment: {} } }),
    }),
  )
  const registrar = { url: server.url, code: (phone: string) => server.code(phone) }
  const sender = await registerRawUser(registrar, { name: 'r0', phone: '+4915112345600' })
  const reader = await registerRawUser(registrar, { name: 'r1', phone: '+4915112345601' })
  const trace = join(folder, 'strace.log')
  const strace = await attach(server.pid, trace)
  opened.defer(() => strace.end())
  const sends = await sendAll(server.url, sender, reader)
  const walFiles = filesOf(server.pid, 'log.sqlite-wal')
  await strace.end()
  return judgeCalls(readCalls(readFileSync(trace, 'latin1')), sends, walFiles)
}

async function attach(pid: number, trace: string): Promise<{ end(): Promise<void> }> {
  const flags = ['-f', '-xx', '-s', String(stringBytesMax), '-e', `trace=${traced}`, '-o', trace]
  const child = Bun.spawn(['strace', ...flags, '-p', String(pid)], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let says = ''
  const decoder = new TextDecoder()
  for await (const chunk of child.stderr) {
    says += decoder.decode(chunk, { stream: true })
    if (says.includes('attached')) break
  }
  if (!says.includes('attached')) throw new Error(`strace does not attach: ${says.trim()}`)
  return {
    async end() {
      child.kill('SIGINT')
      await child.exited
    },
  }
}

/** Descriptors of the process that are open on a file of that name. */
function filesOf(pid: number, name: string): ReadonlySet<number> {
  const folder = `/proc/${pid}/fd`
  const files = readdirSync(folder).filter((file) => {
    try {
      return readlinkSync(join(folder, file)).endsWith(`/${name}`)
    } catch {
      return false
    }
  })
  return new Set(files.map(Number))
}

/** Returns when everything is accepted. */
async function sendAll(url: string, from: RawUser, to: RawUser): Promise<TracedSend[]> {
  const log = inboxOf(parseAccountId(to.account))
  const token = await tokenFor(url, from)
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/socket`, subprotocol)
  socket.binaryType = 'arraybuffer'
  let acceptedUpTo = 0
  let heard = Promise.withResolvers<void>()
  const welcome = Promise.withResolvers<void>()
  socket.onopen = () => {
    socket.send(encodeClientFrame({ kind: 'hello', token, cursors: [], capabilities: [] }).slice())
  }
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    const frame = decodeServerFrame(new Uint8Array(data))
    if (frame.kind === 'welcome') welcome.resolve()
    if (frame.kind === 'accepted') acceptedUpTo = frame.upTo
    heard.resolve()
    heard = Promise.withResolvers<void>()
  }
  socket.onclose = () => welcome.reject(new Error('the connection was refused'))
  await welcome.promise
  const sends: TracedSend[] = []
  let sequence = positionAt(Date.now())
  const sizes = [...Array<number>(singles).fill(1), ...Array<number>(bursts).fill(burstMessages)]
  for (const size of sizes) {
    for (let count = 0; count < size; count++) {
      const message = { from: from.name, to: to.name, n: sends.length + 1 }
      const id = idOf(message)
      const frame = encodeClientFrame({
        kind: 'send',
        ...{ log, sequence: ++sequence, messageId: id, stamp: Date.now() },
        deviceList: fromHex(to.listHash),
        envelopes: [
          {
            device: parseDeviceId(to.device),
            type: 'message',
            ciphertext: new TextEncoder().encode(textOf(message).slice(32)),
          },
        ],
      })
      socket.send(frame.slice())
      sends.push({ log, sequence, idHex: id })
    }
    while (acceptedUpTo < sequence) await heard.promise
  }
  socket.onclose = () => {}
  socket.close()
  return sends
}
