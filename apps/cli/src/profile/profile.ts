/**
 * A profile as commands use it. The first process opens the database and owns it; the next ones
 * work through the first, and when it ends, one of them takes over. Calls that were under way are
 * then made again, so each must be safe to repeat (a text is sent under an id that its command
 * chose).
 */
import { ParleyError } from '@parley/sdk'
import type { Client } from '@parley/sdk'
import { openBunClient } from '@parley/sdk/bun'
import { CliFailure, exitStatus } from '../failure.ts'
import { pause } from '../platform/timers.ts'
import { makeFolder } from '../settings.ts'
import type { Settings } from '../settings.ts'
import { OwnerGone, profileCalls, watch } from './calls.ts'
import type { CallInput, CallName, CallValue, Link, Watched } from './calls.ts'
import { openGuest } from './guest.ts'
import { openOwnerSocket } from './owner-socket.ts'

const retryMs = 100
const busyTriesMax = 300
const repeatsMax = 20

export interface ProfileSurroundings {
  settings: Settings
  say: (text: string) => void
  stop: AbortSignal
}

/** The engine in this process, with the socket for those who come later. */
class Owner implements Link {
  readonly client: Client
  readonly #socket: AsyncDisposable

  constructor(client: Client, socket: AsyncDisposable) {
    this.client = client
    this.#socket = socket
  }

  async call(name: CallName, input: readonly unknown[]): Promise<unknown> {
    const method = profileCalls[name] as (client: Client, ...input: unknown[]) => unknown
    return await method(this.client, ...input)
  }

  watch(watched: Watched, listener: () => void): () => void {
    return watch(this.client, watched, listener)
  }

  async close(): Promise<void> {
    await this.#socket[Symbol.asyncDispose]()
    await this.client[Symbol.asyncDispose]()
  }
}

/** Undefined when another process owns the profile. */
async function openOwner({ folder, server }: Settings): Promise<Owner | undefined> {
  makeFolder(folder)
  let client: Client
  try {
    client = await openBunClient({ folder, server })
  } catch (error) {
    if (error instanceof ParleyError && error.problem.code === 'profile-busy') return undefined
    throw error
  }
  const socket = await openOwnerSocket(folder, client).catch(async (error: unknown) => {
    await client[Symbol.asyncDispose]()
    throw error
  })
  if (client.account.getSnapshot().kind === 'registered') client.start()
  return new Owner(client, socket)
}

interface Watch {
  watched: Watched
  listener: () => void
  end: () => void
}

export class Profile implements AsyncDisposable {
  readonly settings: Settings
  readonly #surroundings: ProfileSurroundings
  readonly #watches = new Set<Watch>()
  #link: Link
  #relinking: Promise<void> | undefined

  private constructor(surroundings: ProfileSurroundings, link: Link) {
    this.#surroundings = surroundings
    this.settings = surroundings.settings
    this.#link = link
  }

  static async open(surroundings: ProfileSurroundings): Promise<Profile> {
    return new Profile(surroundings, await openLink(surroundings))
  }

  async call<Name extends CallName>(
    name: Name,
    ...input: CallInput<Name>
  ): Promise<CallValue<Name>> {
    for (let repeat = 0; ; repeat++) {
      const link = this.#link
      try {
        return (await link.call(name, input)) as CallValue<Name>
      } catch (error) {
        if (!(error instanceof OwnerGone) || repeat >= repeatsMax) throw error
        await this.#relink(link)
      }
    }
  }

  /**
   * Calls the listener after each change, and when it cannot be sure that there was none. Returns
   * the function that ends it.
   */
  watch(watched: Watched, listener: () => void): () => void {
    const entry: Watch = { watched, listener, end: this.#link.watch(watched, listener) }
    this.#watches.add(entry)
    return () => {
      this.#watches.delete(entry)
      entry.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const entry of this.#watches) entry.end()
    this.#watches.clear()
    await this.#link.close()
  }

  #relink(lost: Link): Promise<void> {
    if (lost !== this.#link) return Promise.resolve()
    this.#relinking ??= this.#openAgain().finally(() => {
      this.#relinking = undefined
    })
    return this.#relinking
  }

  async #openAgain(): Promise<void> {
    this.#link = await openLink(this.#surroundings)
    for (const entry of this.#watches) {
      entry.end = this.#link.watch(entry.watched, entry.listener)
      entry.listener()
    }
  }
}

/** Owns the profile, or works through who does; in the moments between, it tries again. */
async function openLink({ settings, say, stop }: ProfileSurroundings): Promise<Link> {
  for (let tries = 0; tries < busyTriesMax && !stop.aborted; tries++) {
    const owner = await openOwner(settings)
    if (owner) return owner
    const guest = await openGuest(settings.folder)
    if (guest) {
      say(`Another parley runs on the profile ${settings.profile}; this one works through it.`)
      return guest
    }
    await pause(retryMs, stop)
  }
  throw busy(settings)
}

/** For what only the owner can do: waits until the profile is free. */
export async function openOwnedClient(surroundings: ProfileSurroundings): Promise<Client> {
  const { settings, say, stop } = surroundings
  makeFolder(settings.folder)
  for (let tries = 0; tries < busyTriesMax && !stop.aborted; tries++) {
    try {
      return await openBunClient({ folder: settings.folder, server: settings.server })
    } catch (error) {
      if (!(error instanceof ParleyError) || error.problem.code !== 'profile-busy') throw error
    }
    if (tries === 0) say(`Another parley runs on the profile ${settings.profile}; waiting for it.`)
    await pause(retryMs, stop)
  }
  throw busy(settings)
}

function busy({ profile }: Settings): CliFailure {
  return new CliFailure(
    exitStatus.failed,
    `Another parley uses the profile ${profile}. Stop it, or choose another with --profile.`,
  )
}
