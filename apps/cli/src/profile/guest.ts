/** The other side of owner-socket.ts: a link to the engine in the process that owns the profile. */
import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { ParleyError } from '@parley/sdk'
import type { ClientProblem } from '@parley/sdk'
import { linesOf } from '../lines.ts'
import { OwnerGone } from './calls.ts'
import type { CallName, Link, Watched } from './calls.ts'
import type { GuestMessage, OwnerMessage } from './owner-socket.ts'
import { inFolder, messageBytesMax, socketName } from './socket-place.ts'

interface Waiting {
  resolve: (value: unknown) => void
  reject: (error: Error) => void
}

/** Undefined when no owner listens there. */
export async function openGuest(folder: string): Promise<Link | undefined> {
  const socket = inFolder(folder, () => createConnection(socketName))
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  return connected ? new Guest(socket) : undefined
}

class Guest implements Link {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Map<Watched, Set<() => void>>()
  #calls = 0
  #gone = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => this.#lost())
    socket.on('close', () => this.#lost())
    void this.#read()
  }

  call(name: CallName, input: readonly unknown[]): Promise<unknown> {
    if (this.#gone) return Promise.reject(new OwnerGone())
    const call = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject })
      this.#send({ kind: 'call', call, name, input: [...input] })
    })
  }

  watch(watched: Watched, listener: () => void): () => void {
    const listeners = this.#listeners.get(watched)
    if (listeners) {
      listeners.add(listener)
    } else {
      this.#listeners.set(watched, new Set([listener]))
      this.#send({ kind: 'watch', watched })
    }
    return () => this.#listeners.get(watched)?.delete(listener)
  }

  close(): Promise<void> {
    this.#socket.destroy()
    this.#lost()
    return Promise.resolve()
  }

  #send(message: GuestMessage): void {
    if (!this.#gone) this.#socket.write(`${JSON.stringify(message)}\n`)
  }

  async #read(): Promise<void> {
    try {
      for await (const line of linesOf(this.#socket, messageBytesMax)) {
        this.#take(JSON.parse(line) as OwnerMessage)
      }
    } catch {
      // The owner went away in the middle of a line, or does not speak this protocol.
    }
    this.#socket.destroy()
    this.#lost()
  }

  /** Throws for what no owner of this version says. */
  #take(message: OwnerMessage): void {
    switch (message.kind) {
      case 'changed':
        for (const listener of this.#listeners.get(message.watched) ?? []) listener()
        return
      case 'value':
        this.#settled(message.call)?.resolve(message.value)
        return
      case 'problem': {
        const error = new ParleyError(message.problem as ClientProblem)
        this.#settled(message.call)?.reject(error)
        return
      }
      default:
        throw new Error('not a message of an owner')
    }
  }

  #settled(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    return waiting
  }

  /** Whoever waits hears of it, and whoever watches looks again. */
  #lost(): void {
    if (this.#gone) return
    this.#gone = true
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(new OwnerGone())
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener()
  }
}
