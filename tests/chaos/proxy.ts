/**
 * The network between clients and server: a TCP proxy that cuts connections, leaves one side of
 * them open, falls silent, and breaks frames on their way.
 */
import { createServer, connect } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { SimRandom } from '@parley/testkit'
import { FrameWalk } from './frame-walk.ts'
import type { Mutilation } from './frame-walk.ts'

/** Which side goes on believing in the connection. */
export type HalfOpen = 'client-stays' | 'server-stays' | 'both-stay'

export interface Met {
  cut: number
  half_open: number
  mutilated: number
}

interface Link {
  client: Socket
  server: Socket
  up: FrameWalk
  down: FrameWalk
  /** Nothing passes any more. */
  silent: boolean
}

/** A side that was left alone is closed at last, as a machine closes what it finds dead. */
const leftOpenMsMax = 90_000

export class Proxy {
  /** How many connections each fault has met. */
  readonly met: Met = { cut: 0, half_open: 0, mutilated: 0 }
  readonly #links = new Set<Link>()
  readonly #orphans = new Set<Socket>()
  readonly #target: () => number
  readonly #server: Server

  private constructor(target: () => number) {
    this.#target = target
    this.#server = createServer((client) => this.#accept(client))
  }

  /** `target`: the server's port on this machine. */
  static async start(target: () => number): Promise<Proxy> {
    const proxy = new Proxy(target)
    const listening = Promise.withResolvers<void>()
    proxy.#server.listen(0, '127.0.0.1', () => listening.resolve())
    await listening.promise
    return proxy
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    return `http://127.0.0.1:${address.port}`
  }

  get links(): number {
    return this.#links.size
  }

  /** Both sides hear of it. */
  cut(random: SimRandom, share: number): void {
    for (const link of this.#some(random, share)) {
      this.met.cut++
      this.#end(link)
    }
  }

  /** One side hears of it, or none; what was under way is gone. */
  halfOpen(random: SimRandom, share: number, which: HalfOpen): void {
    for (const link of this.#some(random, share)) {
      this.met.half_open++
      link.silent = true
      this.#links.delete(link)
      if (which === 'client-stays') link.server.destroy()
      else this.#abandon(link.server)
      if (which === 'server-stays') link.client.destroy()
      else this.#abandon(link.client)
    }
  }

  mutilate(random: SimRandom, share: number, how: Mutilation): void {
    for (const link of this.#some(random, share)) {
      const walk = random.chance(0.5) ? link.up : link.down
      walk.want(how)
    }
  }

  /** Ends what was left half open. */
  heal(): void {
    for (const socket of this.#orphans) socket.destroy()
    this.#orphans.clear()
  }

  async end(): Promise<void> {
    for (const link of this.#links) this.#end(link)
    this.heal()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #some(random: SimRandom, share: number): Link[] {
    return [...this.#links].filter(() => random.chance(share))
  }

  #accept(client: Socket): void {
    const server = connect({ host: '127.0.0.1', port: this.#target() })
    const link: Link = { client, server, up: new FrameWalk(), down: new FrameWalk(), silent: false }
    client.setNoDelay(true)
    server.setNoDelay(true)
    this.#links.add(link)
    this.#carry(link, { from: client, to: server, walk: link.up })
    this.#carry(link, { from: server, to: client, walk: link.down })
  }

  #carry(link: Link, { from, to, walk }: { from: Socket; to: Socket; walk: FrameWalk }): void {
    from.on('data', (chunk: Buffer) => {
      if (link.silent) return
      const before = walk.mutilated
      walk.pass(chunk)
      this.met.mutilated += walk.mutilated - before
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('error', () => {})
    from.on('close', () => {
      this.#orphans.delete(from)
      if (!link.silent) this.#end(link)
    })
    from.on('end', () => {
      if (!link.silent) to.end()
    })
  }

  #abandon(socket: Socket): void {
    this.#orphans.add(socket)
    socket.resume()
    setTimeout(() => socket.destroy(), leftOpenMsMax).unref()
  }

  #end(link: Link): void {
    this.#links.delete(link)
    link.client.destroy()
    link.server.destroy()
  }
}
