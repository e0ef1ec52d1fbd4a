/**
 * The one connection of a profile: keeps a socket to the server up, decides after each end what
 * comes next (close-codes.ts of wire), and says how it stands. Between outbox and inbox on one side
 * and the network on the other.
 */
import { closeAction, closeReasons, silenceMs } from '@parley/wire'
import type { ClientFrame, Cursor } from '@parley/wire'
import { Backoff } from './backoff.ts'
import { FrameSocket } from './frame-socket.ts'
import type { EngineFrame, SocketEnd, WelcomeFrame } from './frame-socket.ts'
import { statusOf, stopProblem } from './phase.ts'
import type { Phase } from './phase.ts'
import type { ServerClock } from './server-clock.ts'
import type { Clock, RandomBytes, Transport } from '../platform/ports.ts'
import { LiveValue } from '../state/live-value.ts'
import { ApiFailure, asParleyError, problemOf } from '../problems.ts'
import type { ClientProblem, ConnectionState } from '../types.ts'

/** A connection that held this long was a good one: the next wait is short again. */
const stableMs = 30_000
/** A server may ask for no longer wait. */
const retryAfterMsMax = 10 * 60_000
const clockOffMs = 5 * 60_000
const stopMs = 1_000
/** Connections in a row that may end so before the server is believed. */
const misunderstoodMax = 3
/** Hellos of processes before this one that may still be on their way. */
const leftBeforeMax = 3
const misunderstood: ReadonlySet<number> = new Set([
  closeReasons.badFrame.code,
  closeReasons.frameTooLarge.code,
])

export interface ConnectionHandlers {
  /** For Hello: how far each followed log was committed here. */
  cursors(): Cursor[]
  /** First after a connection is up; the connection has corrected the ServerClock before. */
  welcome(frame: WelcomeFrame): void
  /** In order. Must not throw. */
  frame(frame: EngineFrame): void
  /** The socket is gone; what was sent may be lost. Called once per welcome. */
  lost(): void
  /** There is room again after `send` said false on a live connection. */
  writable(): void
  /**
   * The server said that this device is not on its account any more (close action `relink`). The
   * connection has stopped.
   */
  revoked(): void
}

export interface ConnectionOptions {
  server: string
  transport: Transport
  clock: Clock
  random: RandomBytes
  serverClock: ServerClock
  /** Api.accessToken. */
  accessToken: (renew: boolean) => Promise<string>
  handlers: ConnectionHandlers
}

/** Idle until start(). */
export class Connection {
  /**
   * Problems: clock-off (more than five minutes), token-expired, revoked, server-unreachable, or
   * what `report` said.
   */
  readonly state: LiveValue<ConnectionState>
  readonly #options: ConnectionOptions
  readonly #backoff: Backoff
  #phase: Phase = { kind: 'stopped' }
  /** Of the connection itself, and of the engine. */
  #problem: ClientProblem | undefined
  #reported: ClientProblem | undefined
  /** The next try begins with a new token. */
  #renew = false
  #misunderstood = 0
  /**
   * Sockets that were left lately, some maybe by processes before this one: the server may yet hear
   * of each. Forgotten by a timer, since the clock of a device is set back and forth.
   */
  #left = 0
  #forgetLeft = () => {}
  #unwatch = () => {}

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
    this.state = new LiveValue<ConnectionState>({
      status: 'stopped',
      retryAtMs: undefined,
      problem: undefined,
    })
  }

  /** Connects and keeps connecting; idempotent. Ends by itself while nobody is registered. */
  start(): void {
    if (this.#phase.kind !== 'stopped') return
    this.#problem = undefined
    this.#misunderstood = 0
    this.#leave(leftBeforeMax)
    this.#unwatch()
    this.#unwatch =
      this.#options.transport.watch?.((isOnline) => this.#network(isOnline)) ?? (() => {})
    this.#connect()
  }

  async stop(): Promise<void> {
    const phase = this.#phase
    this.#unwatch()
    if (phase.kind === 'waiting') phase.cancel()
    this.#become({ kind: 'stopped' })
    if (phase.kind === 'live') this.#options.handlers.lost()
    if (phase.kind === 'live' || phase.kind === 'opening') await this.#closed(phase.socket)
  }

  /**
   * False when there is no welcomed socket to write to, or too much waits in it already (`writable`
   * says when it does not); the frame is then not kept.
   */
  send(frame: ClientFrame): boolean {
    return this.#phase.kind === 'live' && this.#phase.socket.send(frame)
  }

  /** Between welcome and lost. */
  live(): boolean {
    return this.#phase.kind === 'live'
  }

  /** Drops the socket and connects again after a backoff step, as when the server had closed it. */
  reconnect(): void {
    const phase = this.#phase
    if (phase.kind !== 'live' && phase.kind !== 'opening') return
    phase.socket.end(() => {})
    this.#ended({ code: closeReasons.unavailable.code, retryAfterMs: 0 })
  }

  /**
   * The network may be back, or the machine awake: tries at once instead of at the next step, or
   * checks that the live socket still answers.
   */
  nudge(): void {
    if (this.#phase.kind === 'live') this.#phase.socket.check()
    if (this.#phase.kind !== 'waiting') return
    this.#phase.cancel()
    this.#connect()
  }

  /** A socket over a network that has gone would be noticed by its silence only. */
  #network(isOnline: boolean): void {
    if (isOnline) this.nudge()
    else this.reconnect()
  }

  /** The engine has committed everything up to CaughtUp: catching-up becomes online. */
  caughtUp(): void {
    if (this.#phase.kind === 'live') this.#become({ ...this.#phase, caughtUp: true })
  }

  /** Something besides the network stands in the way (a full disk); undefined: it is gone. */
  report(problem: ClientProblem | undefined): void {
    this.#reported = problem
    this.#show()
  }

  #connect(): void {
    const phase: Phase = { kind: 'authorizing' }
    this.#become(phase)
    this.#options.accessToken(this.#renew).then(
      (token) => {
        if (this.#phase === phase) this.#open(token)
      },
      (error: unknown) => {
        if (this.#phase === phase) this.#refused(error)
      },
    )
  }

  #open(token: string): void {
    const { clock, handlers, random, server, transport } = this.#options
    const url = `${server.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/socket`
    const socket = new FrameSocket(
      { transport, url, clock, random, hello: () => this.#hello(token) },
      {
        welcome: (frame, serverTimeMs) => this.#welcomed(socket, frame, serverTimeMs),
        frame: (frame) => handlers.frame(frame),
        writable: () => handlers.writable(),
        ended: (end) => this.#ended(end),
      },
    )
    this.#become({ kind: 'opening', socket })
  }

  /** Undefined when the store cannot say how far this device is. */
  #hello(token: string): ClientFrame | undefined {
    try {
      return {
        kind: 'hello',
        token,
        cursors: this.#options.handlers.cursors(),
        capabilities: [],
      }
    } catch (error) {
      this.#problem = asParleyError(error).problem
      return undefined
    }
  }

  #welcomed(socket: FrameSocket, frame: WelcomeFrame, serverTimeMs: number): void {
    const { clock, handlers, serverClock } = this.#options
    serverClock.correct(serverTimeMs)
    const isClockOff = Math.abs(serverTimeMs - clock.now()) > clockOffMs
    this.#problem = isClockOff ? problemOf('clock-off') : undefined
    this.#renew = false
    this.#become({ kind: 'live', socket, sinceMs: clock.now(), caughtUp: false })
    handlers.welcome(frame)
  }

  /** No token was to be had. */
  #refused(error: unknown): void {
    const { problem } = asParleyError(error)
    if (problem.code === 'not-registered') {
      this.#become({ kind: 'stopped' })
      return
    }
    this.#problem = problem
    if (problem.code === 'revoked') {
      this.#revoked()
    } else if (problem.code === 'token-expired') {
      this.#become({ kind: 'stopped' })
    } else {
      const retryAfterS = error instanceof ApiFailure ? (error.retryAfterS ?? 0) : 0
      this.#wait(retryAfterS * 1000)
    }
  }

  #ended({ code, retryAfterMs }: SocketEnd): void {
    const phase = this.#phase
    const between: Phase = { kind: 'authorizing' }
    const isReplaced = code === closeReasons.replaced.code
    if (!isReplaced) this.#leave(1)
    this.#phase = between
    if (phase.kind === 'live') {
      const heldMs = this.#options.clock.now() - phase.sinceMs
      if (heldMs >= stableMs) this.#backoff.reset()
      if (heldMs >= stableMs || !misunderstood.has(code)) this.#misunderstood = 0
      this.#options.handlers.lost()
    }
    // The engine may have stopped the connection when it heard of the loss.
    if (this.#phase !== between) return
    switch (closeAction(code)) {
      case 'reconnect':
        if (phase.kind === 'opening') this.#problem ??= problemOf('server-unreachable')
        this.#wait(retryAfterMs)
        return
      case 'reauthenticate':
        this.#reauthenticate()
        return
      case 'relink':
        this.#confirmRevoked()
        return
      case 'update':
      case 'stop':
        if (isReplaced && this.#left > 0) {
          this.#left--
          this.#wait(retryAfterMs)
          return
        }
        // Without TLS a frame can be broken on its way; one that is wrong stays wrong.
        if (misunderstood.has(code) && this.#misunderstood < misunderstoodMax) {
          this.#misunderstood++
          this.#wait(retryAfterMs)
          return
        }
        this.#problem = stopProblem(code)
        this.#become({ kind: 'stopped' })
    }
  }

  /** Y48: the Hello of a socket that was left may reach the server after that of the next one. */
  #leave(count: number): void {
    this.#left += count
    this.#forgetLeft()
    this.#forgetLeft = this.#options.clock.after(silenceMs, () => {
      this.#left = 0
    })
  }

  /** At once with a new token; when even that one was refused, after a while. */
  #reauthenticate(): void {
    if (this.#renew) {
      this.#problem = problemOf('token-expired')
      this.#wait(0)
      return
    }
    this.#renew = true
    this.#connect()
  }

  /**
   * A login also ends when somebody used an old token of it, a copy of this profile for one; then
   * the device is still on its account and gets another login by its key. Only a refusal of that is
   * the end.
   */
  #confirmRevoked(): void {
    if (this.#renew) {
      this.#revoked()
      return
    }
    this.#renew = true
    this.#connect()
  }

  #revoked(): void {
    this.#problem = problemOf('revoked')
    this.#become({ kind: 'stopped' })
    this.#options.handlers.revoked()
  }

  #wait(retryAfterMs: number): void {
    const { clock } = this.#options
    const delayMs = Math.max(this.#backoff.nextMs(), Math.min(retryAfterMs, retryAfterMsMax))
    const cancel = clock.after(delayMs, () => this.#connect())
    this.#become({ kind: 'waiting', retryAtMs: clock.now() + delayMs, cancel })
  }

  #closed(socket: FrameSocket): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(stopMs, resolve)
      socket.end(() => {
        cancel()
        resolve()
      })
    })
  }

  #become(phase: Phase): void {
    this.#phase = phase
    if (phase.kind === 'stopped') {
      this.#left = 0
      this.#forgetLeft()
    }
    this.#show()
  }

  #show(): void {
    const before = this.state.getSnapshot()
    const status = statusOf(this.#phase)
    const retryAtMs = this.#phase.kind === 'waiting' ? this.#phase.retryAtMs : undefined
    const problem = status === 'stopped' ? this.#problem : (this.#reported ?? this.#problem)
    const isSame =
      before.status === status && before.retryAtMs === retryAtMs && before.problem === problem
    if (!isSame) this.state.set({ status, retryAtMs, problem })
  }
}
