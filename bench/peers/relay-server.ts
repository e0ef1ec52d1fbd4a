/**
 * The physical limit that peers are held against: a bare relay without accounts, acknowledgements
 * or a drain. The first four bytes of a message name the receiver. With a file, messages (not
 * receipts) are rows of a mailbox table before they are forwarded: one transaction, and so one
 * fsync, for all that came in one round of the event loop.
 *
 * Arguments: port, and the file of the mailbox table if there shall be one.
 */
import { Database } from 'bun:sqlite'
import { kindAt, messageKind } from '../load/relay-frames.ts'

interface Session {
  user: number
}

const [port = '0', file] = process.argv.slice(2)
const sessions: (Bun.ServerWebSocket<Session> | undefined)[] = []
const store = file === undefined ? undefined : openStore(file)

function forward(frame: Buffer): void {
  sessions[frame.readUInt32BE(0)]?.sendBinary(frame)
}

/** Returns what takes a message. */
function openStore(path: string): (frame: Buffer) => void {
  const database = new Database(path, { create: true })
  database.run('pragma journal_mode = wal')
  database.run('pragma synchronous = full')
  database.run('pragma wal_autocheckpoint = 20000')
  const columns = 'user integer, sequence integer, body blob, primary key (user, sequence)'
  database.run(`create table mailbox (${columns}) without rowid`)
  const insert = database.query('insert into mailbox values (?, ?, ?)')
  let batch: Buffer[] = []
  let sequence = 0
  const flush = () => {
    const frames = batch
    batch = []
    database.run('begin')
    for (const frame of frames) insert.run(frame.readUInt32BE(0), sequence++, frame)
    database.run('commit')
    for (const frame of frames) forward(frame)
  }
  return (frame) => {
    if (batch.push(frame) === 1) setImmediate(flush)
  }
}

const server = Bun.serve<Session>({
  hostname: '127.0.0.1',
  port: Number(port),
  fetch(request, upgrading) {
    const user = Number(new URL(request.url).searchParams.get('user'))
    if (!upgrading.upgrade(request, { data: { user } })) return new Response('', { status: 400 })
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    backpressureLimit: 1 << 26,
    open(socket) {
      sessions[socket.data.user] = socket
    },
    message(_, frame) {
      if (typeof frame === 'string') return
      if (store && frame[kindAt] === messageKind) store(frame)
      else forward(frame)
    },
    close(socket) {
      sessions[socket.data.user] = undefined
    },
  },
})
process.stdout.write(`ready ${server.port}\n`)
