// Accept or refuse: the same spoilt messages go to the official library and to a twin of ours with
// the same keys. Both must judge alike, but where ours is the stricter for a reason listed here;
// and after whatever was refused the true message must open.

import type { Address } from '@parley/crypto'
import { innerMessage, mutatePreKeyMessage, mutateRatchetMessage } from './mutate.ts'
import type { Oracle } from './oracle-client.ts'
import { OurParty, type SealedMessage } from './parties.ts'
import { Dice } from './random.ts'
import { type Judgement, Twin } from './twin.ts'

/** What the library accepts and we refuse, by what was done to the message. */
const STRICTER: readonly { how: RegExp; why: string }[] = [
  {
    how: /^(inner )?(another version|bit flipped)$/,
    why: 'the low half of the version byte is not looked at there; here there is one version',
  },
  {
    how: /^field dropped \(5\)$/,
    why: 'a registration id that is not there counts as 0 there; here it is required',
  },
  {
    how: /^(value emptied|value cut|field doubled with another value) \(8\)$/,
    why: 'the Kyber ciphertext of a known session is not read there; here its length is checked',
  },
]
const MUTANTS_PER_MESSAGE = 10
const MESSAGES_PER_SENDER = 5
const SENDERS_AT_A_TIME = 10

export interface Verdicts {
  mutants: number
  bothAccept: number
  bothRefuse: number
  stricter: number
  disagreements: string[]
}

export interface DifferentialOptions {
  oracle: Oracle
  mutants: number
  seed: number
}

export async function compareVerdicts(options: DifferentialOptions): Promise<Verdicts> {
  const verdicts = { mutants: 0, bothAccept: 0, bothRefuse: 0, stricter: 0, disagreements: [] }
  for (let stream = 0; verdicts.mutants < options.mutants; stream += SENDERS_AT_A_TIME) {
    const senders = Array.from({ length: SENDERS_AT_A_TIME }, (_, index) =>
      compareOneSender(options, stream + index, verdicts),
    )
    await Promise.all(senders)
  }
  return verdicts
}

async function compareOneSender(
  { oracle, seed }: DifferentialOptions,
  stream: number,
  verdicts: Verdicts,
): Promise<void> {
  const dice = new Dice(seed, stream)
  const self = addressOf(1, stream)
  const remote = addressOf(2, stream)
  const twin = await Twin.start({ oracle, self, remote, oneTime: dice.chance(0.5), dice })
  const sender = new OurParty(remote, self, dice.bytes)
  await sender.connect(twin.bundle)
  for (let i = 0; i < MESSAGES_PER_SENDER; i++) {
    const genuine = await sender.encrypt(dice.bytes(40))
    const asMessage = i > 0 && dice.chance(0.5)
    const sealed = asMessage ? unwrapped(genuine) : genuine
    const outcome = await compareMutants(twin, sealed, { dice, verdicts, seed, stream })
    if (outcome === 'apart') return
    if (outcome === 'refused') await compareGenuine(twin, genuine, { verdicts, seed, stream })
  }
}

interface Comparison {
  verdicts: Verdicts
  seed: number
  stream: number
}

/**
 * `accepted`: both opened a mutant, so the true message has no key left. `apart`: only one did, and
 * what comes after has nothing to say.
 */
type Outcome = 'refused' | 'accepted' | 'apart'

async function compareMutants(
  twin: Twin,
  sealed: SealedMessage,
  { dice, ...comparison }: Comparison & { dice: Dice },
): Promise<Outcome> {
  const { verdicts } = comparison
  const mutate = sealed.type === 'prekey' ? mutatePreKeyMessage : mutateRatchetMessage
  for (let i = 0; i < MUTANTS_PER_MESSAGE; i++) {
    const { how, bytes } = mutate(sealed.ciphertext, dice)
    const mutant = { type: sealed.type, ciphertext: bytes }
    if (Buffer.compare(bytes, sealed.ciphertext) === 0) continue
    verdicts.mutants++
    const theirs = await twin.judgeTheirs(mutant)
    const ours = await twin.judgeOurs(mutant)
    const outcome = compare(how, { ours, theirs }, comparison)
    if (outcome !== 'refused') return outcome
  }
  return 'refused'
}

function compare(
  how: string,
  { ours, theirs }: { ours: Judgement; theirs: Judgement },
  { verdicts, seed, stream }: Comparison,
): Outcome {
  if ('refused' in ours && 'refused' in theirs) {
    verdicts.bothRefuse++
    return 'refused'
  }
  if ('accepted' in ours && 'accepted' in theirs && ours.accepted === theirs.accepted) {
    verdicts.bothAccept++
    return 'accepted'
  }
  if ('refused' in ours && STRICTER.some((rule) => rule.how.test(how))) {
    verdicts.stricter++
  } else {
    const judgements = JSON.stringify({ ours, theirs })
    verdicts.disagreements.push(`seed ${seed}, sender ${stream}, ${how}: ${judgements}`)
  }
  return 'apart'
}

async function compareGenuine(
  twin: Twin,
  genuine: SealedMessage,
  { verdicts, seed, stream }: Comparison,
): Promise<void> {
  const theirs = await twin.judgeTheirs(genuine)
  const ours = await twin.judgeOurs(genuine)
  if ('accepted' in ours && 'accepted' in theirs && ours.accepted === theirs.accepted) return
  const judgements = JSON.stringify({ ours, theirs })
  verdicts.disagreements.push(`seed ${seed}, sender ${stream}, the true message: ${judgements}`)
}

function unwrapped({ ciphertext }: SealedMessage): SealedMessage {
  return { type: 'message', ciphertext: innerMessage(ciphertext) }
}

function addressOf(kind: number, stream: number): Address {
  const account = `0000000${kind}-0000-4000-8000-${stream.toString(16).padStart(12, '0')}`
  return { account, device: 1 + (stream % 127) }
}
