/**
 * What the engine's halves ask of each other: connection.ts, api.ts and registration.ts implement
 * these, client.ts wires them to inbox, outbox and store. Nothing here does anything.
 */
import type { DiffieHellman } from '@parley/crypto'
import type {
  BundleJson,
  ClientFrame,
  Cursor,
  AccountId,
  DeviceId,
  DeviceRegistered,
  DevicesChanged,
  ChangeDevices,
  LookupResult,
  NumberProven,
  OwnAccount,
  PreKeyCounts,
  PreKeyUpload,
  RegisterDevice,
  RegistrationStarted,
  ServerFrame,
  ServerInfo,
  SignedDeviceList,
  TokenNonce,
  TokenRequest,
  Tokens,
} from '@parley/wire'
import type { Clock, RandomBytes, SqlDriver, Transport } from './platform/ports.ts'
import type {
  ClientProblem,
  ConnectionState,
  LiveQuery,
  Registered,
  RegistrationStep,
} from './types.ts'

export type WelcomeFrame = Extract<ServerFrame, { kind: 'welcome' }>
/** Everything that comes after Welcome and is not the connection's own business (Closing, Pong). */
export type EngineFrame = Exclude<ServerFrame, { kind: 'welcome' | 'closing' | 'pong' }>

/**
 * What surrounds one profile; index.bun.ts and index.browser.ts make it and call openClient
 * (client.ts) with it.
 */
export interface ClientSurroundings {
  driver: SqlDriver
  clock: Clock
  random: RandomBytes
  transport: Transport
  dh: DiffieHellman
  /** Origin of the server, like `http://127.0.0.1:8080`. */
  server: string
  /** Keep events for `events()`; a program that never calls it says false. */
  recordEvents: boolean
  /** Sees the name of each message key that encrypted something; for the simulator. */
  observeMessageKey: ((messageKeyId: string) => void) | undefined
}

/** The server's time as well as this device knows it (server-clock.ts). */
export interface ServerClock {
  now(): number
  /** Server minus device; 0 until the first Welcome. */
  offsetMs(): number
  /** Called with the time in Welcome, and in a refusal of a stamp. */
  correct(serverTimeMs: number): void
}

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

/** openConnection(options): Connection, in connection.ts. It is idle until start(). */
export interface Connection {
  /**
   * Problems: clock-off (more than five minutes), token-expired, revoked, server-unreachable, or
   * what `report` said.
   */
  readonly state: LiveQuery<ConnectionState>
  /**
   * Connects and keeps connecting; idempotent. Does nothing while the account is not registered.
   */
  start(): void
  stop(): Promise<void>
  /**
   * False when there is no welcomed socket to write to, or too much waits in it already (`writable`
   * says when it does not); the frame is then not kept.
   */
  send(frame: ClientFrame): boolean
  /** Between welcome and lost. */
  live(): boolean
  /** Drops the socket and connects again after a backoff step, as when the server had closed it. */
  reconnect(): void
  /**
   * The network may be back, or the machine awake: tries at once instead of at the next step, or
   * checks that the live socket still answers.
   */
  nudge(): void
  /** The engine has committed everything up to CaughtUp: catching-up becomes online. */
  caughtUp(): void
  /** Something besides the network stands in the way (a full disk); undefined: it is gone. */
  report(problem: ClientProblem | undefined): void
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

/**
 * openApi(options): Api, in api.ts. One method per route of wire/http.ts. Each rejects with
 * ApiFailure (problems.ts), or with ParleyError `server-unreachable` after its own time limit.
 */
export interface Api {
  serverInfo(): Promise<ServerInfo>
  startRegistration(phone: string): Promise<RegistrationStarted>
  proveNumber(registration: string, code: string): Promise<NumberProven>
  registerDevice(registration: string, body: RegisterDevice): Promise<DeviceRegistered>
  tokenNonce(): Promise<TokenNonce>
  tokens(request: TokenRequest): Promise<Tokens>
  ownAccount(): Promise<OwnAccount>
  endSession(): Promise<void>
  changeDevices(body: ChangeDevices): Promise<DevicesChanged>
  uploadPreKeys(upload: PreKeyUpload): Promise<void>
  preKeyCounts(): Promise<PreKeyCounts>
  lookup(phone: string): Promise<LookupResult>
  /** Lists with a version above `after`, oldest first, decoded from base64. */
  deviceLists(account: AccountId, after: number): Promise<SignedDeviceList[]>
  /** Takes one-time keys: only for devices without a session. */
  bundles(account: AccountId, devices: readonly DeviceId[]): Promise<BundleJson[]>
  /**
   * A valid access token from the account row, renewed first when it is about to expire or `renew`
   * says so; one renewal at a time; new tokens are committed before use.
   */
  accessToken(renew: boolean): Promise<string>
}

export interface ApiOptions {
  server: string
  transport: Transport
  clock: Clock
  random: RandomBytes
  store: import('./store/store.ts').Store
}

export interface RegistrationInput {
  registration: string
  code: string
  name: string
  /** As it was typed; of an account registered before. */
  recoveryKey: string | undefined
}

/**
 * openRegistration(options): Registration, in registration.ts. Keys are committed before the server
 * hears of them (E23); the account row appears with the server's answer. Uses store/account.ts,
 * store/device-lists.ts (own chain) and prekeys.ts (makePreKeys, uploadOf) and store/prekeys.ts
 * (takePreKeyIds, writePreKeys, all before the upload).
 */
export interface Registration {
  start(phone: string): Promise<RegistrationStep>
  /**
   * `reset`: as for relink; called when a revoked device of the same account was here. With the
   * same registration it repeats what was not answered.
   */
  finish(input: RegistrationInput, reset: () => void): Promise<Registered>
  /** Ends the session at the server if it can be reached. The caller erases the store. */
  logout(): Promise<void>
  /**
   * Replaces this device by a new one (new id, number, identity key, prekeys) in a list signed by
   * the old identity key. `reset` is called inside the transaction that puts the new device into
   * the account row: the engine drops sessions and requeues there. Safe to repeat after a crash.
   * Rejects with ParleyError when it cannot be done now, `revoked` when it never can.
   */
  relink(reset: () => void): Promise<void>
}

export interface RegistrationOptions {
  api: Api
  store: import('./store/store.ts').Store
  clock: Clock
  random: RandomBytes
  serverClock: ServerClock
  server: string
}
