/**
 * The owner's side of "the second process does its work through the first": a socket in the
 * profile's folder that only the same user can open. One JSON object a line; calls are answered
 * from the table in calls.ts, changes are announced for what is watched.
 */
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { ParleyError } from '@parley/sdk'
import type { Client } from '@parley/sdk'
import { linesOf } from '../lines.ts'
import { isCallName, profileCalls, watch } from './calls.ts'
import type { Watched } from './calls.ts'
import { inFolder, messageBytesMax, socketName } from './socket-place.ts'

const guestsMax = 32
const watchesPerGuestMax = 64

export type GuestMessage =
  | { kind: 'call'; call: number; name: string; input: unknown[] }
  | { kind: 'watch'; watched: Watched }

export type OwnerMessage =
  | { kind: 'value'; call: number; value: unknown }
  | { kind: 'problem'; call: number; problem: { code: string; says: string } }
  | { kind: 'changed'; watched: Watched }

/** Whoever calls it holds the profile's lock, so a socket that lies there is left over. */
export async function openOwnerSocket(folder: string, client: Client): Promise<AsyncDisposable> {
  const guests = new Set<Socket>()
  const server = createServer((socket) => {
    if (guests.size >= guestsMax) return socket.destroy()
    guests.add(socket)
    socket.on('close', () => guests.delete(socket))
    void serveGuest(socket, client)
  })
  server.maxConnections = guestsMax
  await listen(server, folder)
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const guest of guests) guest.destroy()
      await closed
    },
  }
}

function listen(server: Server, folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    inFolder(folder, () => {
      rmSync(socketName, { force: true })
      server.listen(socketName, () => resolve())
    })
  })
}

async function serveGuest(socket: Socket, client: Client): Promise<void> {
  const ends = new Map<Watched, () => void>()
  const send = (message: OwnerMessage) => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
  }
  try {
    for await (const line of linesOf(socket, messageBytesMax)) {
      const message = JSON.parse(line) as GuestMessage
      if (message.kind === 'call') {
        send(await answer(client, message))
      } else if (!ends.has(message.watched) && ends.size < watchesPerGuestMax) {
        const { watched } = message
        ends.set(
          watched,
          watch(client, watched, () => send({ kind: 'changed', watched })),
        )
      }
    }
  } catch {
    // The guest went away in the middle of a line, or does not speak this protocol.
  } finally {
    for (const end of ends.values()) end()
    socket.destroy()
  }
}

async function answer(
  client: Client,
  { call, name, input }: Extract<GuestMessage, { kind: 'call' }>,
): Promise<OwnerMessage> {
  try {
    if (!isCallName(name)) throw new Error(`This version does not know ${name}.`)
    const method = profileCalls[name] as (client: Client, ...input: unknown[]) => unknown
    return { kind: 'value', call, value: await method(client, ...input) }
  } catch (error) {
    const problem =
      error instanceof ParleyError
        ? error.problem
        : { code: 'internal', says: error instanceof Error ? error.message : String(error) }
    return { kind: 'problem', call, problem }
  }
}
