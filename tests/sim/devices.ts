/**
 * Other devices in the storm: a number is registered again, a profile is put back to an older
 * state, the server to a backup. A person goes on trying until it is done, as people do.
 */
import { ParleyError } from '@parley/sdk'
import { nameMarker } from './markers.ts'
import { anyone } from './happenings.ts'
import type { SimClient } from './sim-client.ts'
import type { World } from './world.ts'

/** A registration under way. */
interface Takeover {
  profile: SimClient
  registration: string | undefined
  code: string
  /** Undefined: begins with a new root. */
  recoveryKey: string | undefined
}

const triesInStorm = 3
const takeovers = new WeakMap<World, Takeover[]>()

function takeoversOf(world: World): Takeover[] {
  const known = takeovers.get(world) ?? []
  takeovers.set(world, known)
  return known
}

/** Registers the number anew: on a fresh profile, or on one that was replaced before. */
export async function registerAnew(world: World): Promise<void> {
  const before = anyone(world)
  const { person } = before
  if (takeoversOf(world).some(({ profile }) => profile.person === person)) return
  const profile = chooseProfile(world, before)
  const recoveryKey = world.random.chance(0.6) ? world.recoveryKeys.get(person) : undefined
  const how = recoveryKey === undefined ? 'without' : 'with'
  world.tell(`${profile.name} registers the number of ${before.name} ${how} the recovery key`)
  const takeover = { profile, registration: undefined, code: '', recoveryKey }
  takeoversOf(world).push(takeover)
  for (let tries = 0; tries < triesInStorm; tries++) {
    if (await isTakenOver(world, takeover)) return
  }
}

function chooseProfile(world: World, before: SimClient): SimClient {
  if (before.isRevoked) return before
  const { person } = before
  const revoked = world.ghosts.find((ghost) => ghost.person === person && ghost.isRevoked)
  if (revoked && world.random.chance(0.5)) return revoked
  const count = world.ghosts.filter((ghost) => ghost.person === person).length
  return world.newProfile(person, `${person}-${count + 2}`)
}

/** One try; true when it is done. */
async function isTakenOver(world: World, takeover: Takeover): Promise<boolean> {
  const { profile } = takeover
  const { person } = profile
  try {
    const client = profile.client ?? profile.open()
    if (takeover.registration === undefined) {
      const started = await world.waitFor(client.startRegistration(world.phone(person)))
      takeover.registration = started.registration
      takeover.code = world.server.code(world.phone(person))
    }
    const { registration, code, recoveryKey } = takeover
    const name = `${person} ${nameMarker}`
    const registered = await world.waitFor(
      client.finishRegistration({ registration, code, name, recoveryKey }),
    )
    finish(world, takeover, registered)
    return true
  } catch (error) {
    world.tell(`  ${profile.name} is not registered: ${String(error)}`)
    if (isFinal(error)) takeover.registration = undefined
    return false
  }
}

/** Another registration is needed, perhaps without a key that is not the account's any more. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ParleyError)) return false
  return ['refused', 'code-expired', 'wrong-code', 'internal'].includes(error.problem.code)
}

function finish(
  world: World,
  takeover: Takeover,
  registered: { account: SimClient['account']; recoveryKey: string },
): void {
  const { profile } = takeover
  const { person } = profile
  takeoversOf(world).splice(takeoversOf(world).indexOf(takeover), 1)
  profile.account = registered.account
  const newRoot = registered.recoveryKey !== ''
  if (newRoot) world.recoveryKeys.set(person, registered.recoveryKey)
  world.use(profile, { newRoot })
  // What it had forgotten until now, nobody remembers.
  world.serverCopy = undefined
  for (const client of [...world.clients, ...world.ghosts]) {
    if (client.person === person) client.copy = undefined
  }
  profile.client?.start()
  for (const { account } of world.clients) {
    if (account && account !== profile.account && profile.client) {
      world.beginQuietly(profile.client.findContact(account))
    }
  }
}

/** After the storm: what was begun is ended, whoever was logged out registers again. */
export async function mend(world: World): Promise<boolean> {
  for (const takeover of [...takeoversOf(world)]) {
    if (takeover.recoveryKey !== undefined) {
      takeover.recoveryKey = world.recoveryKeys.get(takeover.profile.person)
    }
    await isTakenOver(world, takeover)
  }
  const isBusy = (client: SimClient) =>
    takeoversOf(world).some(({ profile }) => profile.person === client.person)
  for (const client of world.clients) {
    if (!client.isRevoked || isBusy(client)) continue
    world.tell(`${client.name} was logged out, and registers again`)
    const recoveryKey = world.recoveryKeys.get(client.person)
    const takeover = { profile: client, registration: undefined, code: '', recoveryKey }
    takeoversOf(world).push(takeover)
    await isTakenOver(world, takeover)
  }
  return takeoversOf(world).length === 0
}

/**
 * In one seed either profiles are put back or the server is: when both are, nobody can tell that a
 * profile is older than what was sent with it (E23).
 */
const restoresServer = (world: World) => world.options.seed % 2 === 0

/** A backup of one profile. */
export async function copyProfile(world: World): Promise<void> {
  const person = anyone(world)
  if (restoresServer(world) || !person.client || person.isRevoked) return
  world.tell(`${person.name} makes a copy of the profile`)
  const pending = world.pendingOf(person)
  person.copy = { image: person.disk.image(), sent: world.sent.length, pending }
}

/**
 * The profile is as it was when it was copied; what came after is not in it. Only when the server
 * has all that was encrypted since, by which it knows an old state (E23): of what reached nobody it
 * cannot say that it was sent.
 */
export async function restoreProfile(world: World): Promise<void> {
  const copied = world.clients.filter(
    ({ copy, client, isRevoked, hasUnsent }) => copy && client && !isRevoked && !hasUnsent,
  )
  if (copied.length === 0 || !world.options.crashes) return
  const person = world.random.pick(copied)
  const { copy } = person
  if (!copy) return
  world.tell(`${person.name} puts the copy of the profile back`)
  person.crash('stays')
  person.disk.restore(copy.image)
  person.copy = undefined
  world.putBack(person, copy)
}

/** A backup of the server. */
export async function copyServer(world: World): Promise<void> {
  if (!restoresServer(world) || !world.server.running) return
  world.tell('the server is backed up')
  world.serverCopy = world.server.disk.image()
}

export async function restoreServer(world: World): Promise<void> {
  const image = world.serverCopy
  if (!image || !world.options.crashes || takeoversOf(world).length > 0) return
  world.tell('the server is restored from its backup')
  world.server.restore(image)
}
