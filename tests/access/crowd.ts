/**
 * `bun tests/access/crowd.ts URL COUNT [asking]`: a process that opens that many TCP connections, a
 * few at a time, and says nothing on them, or asks once for something that everybody may have. Keeps
 * them until stdin ends. A process of its own brings descriptors of its own.
 */
import { connect, type Socket } from 'node:net'

/** A listener has room for a few hundred that it has not taken in. */
const atOnce = 100

const [url = '', count = '0', manner] = process.argv.slice(2)
const { hostname, port } = new URL(url)
const question = `GET /healthz HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`
const sockets: Socket[] = []

/** Resolves when the machine has taken the connection, or will not. */
function open(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    sockets.push(socket)
    socket.on('error', () => resolve())
    socket.once('connect', () => {
      if (manner === 'asking') socket.write(question)
      resolve()
    })
    socket.resume()
  })
}

async function openSome(): Promise<void> {
  while (sockets.length < Number(count)) await open()
}

process.stdin.resume()
process.stdin.once('end', () => process.exit(0))
await Promise.all(Array.from({ length: atOnce }, openSome))
