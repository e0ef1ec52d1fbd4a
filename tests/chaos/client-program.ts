/** A client program as the run sees it: a process that can be killed and comes back. */
import type { FromClient, RawOrders, SdkOrders, ToClient } from './channel.ts'

type Count = Extract<FromClient, { t: 'count' }>
type Child = ReturnType<typeof spawnProgram>
type Person = { name: string; account: string }

export interface ProgramOptions {
  file: string
  /** What the next start is told to do. */
  orders(run: number): RawOrders | SdkOrders
  code(phone: string): Promise<string>
  tell(line: string): void
}

const nothing: Count = {
  ...{ t: 'count', sent: 0, accepted: 0, received: 0, settled: false, says: '' },
}

export class ClientProgram {
  /** Ends that nobody asked for. */
  crashes = 0
  kills = 0
  /** Of the runs that are over. */
  readonly #before = { sent: 0, accepted: 0, received: 0 }
  readonly #options: ProgramOptions
  #child: Child | undefined
  #run = 0
  #count = nothing
  #phase: ToClient | undefined
  #expected = false
  #registered = Promise.withResolvers<Person[]>()
  #finished = Promise.withResolvers<void>()

  constructor(options: ProgramOptions) {
    this.#options = options
    this.#start()
  }

  get registered(): Promise<Person[]> {
    return this.#registered.promise
  }

  get finished(): Promise<void> {
    return this.#finished.promise
  }

  get settled(): boolean {
    return this.#count.settled
  }

  get says(): string {
    return this.#count.says
  }

  get totals(): { sent: number; accepted: number; received: number } {
    const { sent, accepted, received } = this.#before
    return {
      sent: sent + this.#count.sent,
      accepted: accepted + this.#count.accepted,
      received: received + this.#count.received,
    }
  }

  /** From here on, after a kill too. */
  order(order: ToClient): void {
    this.#phase = order
    this.#count = { ...this.#count, settled: false }
    this.#child?.send(order)
  }

  /** It comes back at once, on its profiles. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child) return
    this.#expected = true
    this.kills++
    child.kill('SIGKILL')
    await child.exited
  }

  async end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    child?.kill('SIGKILL')
    await child?.exited
  }

  #start(): void {
    this.#run++
    this.#expected = false
    const child = spawnProgram(this.#options.file, (message) => this.#heard(message))
    this.#child = child
    void child.exited.then((status) => this.#over(child, status))
  }

  #over(child: Child, status: number): void {
    if (this.#child !== child) return
    if (!this.#expected) {
      this.crashes++
      this.#options.tell(`a client program ended by itself with ${status}`)
    }
    this.#before.sent += this.#count.sent
    this.#before.accepted += this.#count.accepted
    this.#before.received += this.#count.received
    this.#count = nothing
    this.#start()
  }

  #heard(message: FromClient): void {
    switch (message.t) {
      case 'up':
        this.#child?.send({ t: 'begin', orders: this.#options.orders(this.#run) })
        if (this.#phase) this.#child?.send(this.#phase)
        return
      case 'code-please':
        void this.#options.code(message.phone).then((code) => {
          this.#child?.send({ t: 'code', phone: message.phone, code })
        })
        return
      case 'registered':
        return this.#registered.resolve(message.people)
      case 'count':
        this.#count = message
        return
      case 'finished':
        this.#finished.resolve()
    }
  }
}

function spawnProgram(file: string, heard: (message: FromClient) => void) {
  const child = Bun.spawn([process.execPath, file], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
    ipc: (message) => heard(message as FromClient),
  })
  return {
    exited: child.exited,
    kill: (signal: 'SIGKILL') => child.kill(signal),
    send(order: ToClient) {
      try {
        child.send(order)
      } catch {
        // It is being killed, and hears the order when it is back.
      }
    },
  }
}
