// The same for groups: spoilt distributions and spoilt group messages, half of these with a right
// signature, as a hostile member would send them.

import { type Address, equalBytes } from '@parley/crypto'
import type { DifferentialOptions } from './differential.ts'
import { DISTRIBUTION, GROUP_MESSAGE } from './fields.ts'
import { GroupTwin, HostileSender } from './group-twin.ts'
import { mutate, mutateFields } from './mutate.ts'
import { newAddress, newUuid } from './parties.ts'
import { Dice } from './random.ts'
import { noteGenuine, noteMutant, type Outcome, type Place } from './verdicts.ts'

const DISTRIBUTIONS = 10
const MESSAGES = 3
const MUTANTS_PER_MESSAGE = 10
const SIGNED = 0.5
const MISDIRECTED = 0.1

export async function compareGroup(options: DifferentialOptions, place: Place): Promise<void> {
  const dice = new Dice(place.seed, place.stream)
  const { oracle, curve } = options
  const member = { self: newAddress(dice), sender: newAddress(dice) }
  const distributionId = newUuid(dice)
  const sender = new HostileSender({ distributionId, dice, curve })
  let twin = await GroupTwin.start({ oracle, curve, ...member })
  for (let i = 0; i < DISTRIBUTIONS; i++) {
    const outcome = await compareDistribution(twin, { sender, dice }, place)
    if (outcome !== 'refused') twin = await GroupTwin.start({ oracle, curve, ...member })
  }
  noteGenuine(await twin.judgeDistribution(sender.distribution()), place)
  for (let i = 0; i < MESSAGES; i++) {
    const message = await sender.message(dice.bytes(40))
    const spoiling = { sender, dice, message, elsewhere: newAddress(dice) }
    const outcome = await compareMessages(twin, spoiling, place)
    if (outcome === 'apart') return
    if (outcome === 'refused') noteGenuine(await twin.judgeMessage(message), place)
  }
}

interface Spoiling {
  sender: HostileSender
  dice: Dice
}

/** What both took must be of the same use to both. */
async function compareDistribution(
  twin: GroupTwin,
  { sender, dice }: Spoiling,
  place: Place,
): Promise<Outcome> {
  const genuine = sender.distribution()
  const { how, bytes } = mutate(genuine, DISTRIBUTION, dice)
  if (equalBytes(bytes, genuine)) return 'refused'
  const mutant = { kind: 'distribution', how, bytes } as const
  const outcome = noteMutant(mutant, await twin.judgeDistribution(bytes), place)
  if (outcome !== 'accepted') return outcome
  const message = await sender.message(dice.bytes(20))
  const next = { kind: 'group', how: `after distribution: ${how}`, bytes: message } as const
  noteMutant(next, await twin.judgeMessage(message), place)
  return 'accepted'
}

async function compareMessages(
  twin: GroupTwin,
  { sender, dice, message, elsewhere }: Spoiling & { message: Uint8Array; elsewhere: Address },
  place: Place,
): Promise<Outcome> {
  for (let i = 0; i < MUTANTS_PER_MESSAGE; i++) {
    if (dice.chance(MISDIRECTED)) {
      const relabelled = { kind: 'group', how: 'another sender', bytes: message } as const
      noteMutant(relabelled, await twin.judgeMessage(message, elsewhere), place)
      continue
    }
    const isSigned = dice.chance(SIGNED)
    const { how, bytes } = isSigned
      ? mutateFields(message, GROUP_MESSAGE, dice)
      : mutate(message, GROUP_MESSAGE, dice)
    if (equalBytes(bytes, message)) continue
    const mutant = {
      kind: 'group',
      how: isSigned ? `${how}, signed` : how,
      bytes: isSigned ? sender.signed(bytes) : bytes,
    } as const
    const outcome = noteMutant(mutant, await twin.judgeMessage(mutant.bytes), place)
    if (outcome !== 'refused') return outcome
  }
  return 'refused'
}
