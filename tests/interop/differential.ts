// Accept or refuse: the same spoilt messages go to the official library and to a twin of ours with
// the same keys. Both must judge alike, but where ours is the stricter for a reason listed in
// verdicts.ts; and after whatever was refused the true message must open.

import { type Address, type Curve25519, equalBytes } from '@parley/crypto'
import type { SealedMessage } from './conversation.ts'
import { innerMessage } from './fields.ts'
import { compareGroup } from './group-differential.ts'
import { mutatePreKeyMessage, mutateRatchetMessage } from './mutate.ts'
import type { Oracle } from './oracle-link.ts'
import { OracleParty, OurParty } from './parties.ts'
import { Dice } from './random.ts'
import { type Envelope, Twin } from './twin.ts'
import {
  noteGenuine,
  noteMutant,
  noVerdicts,
  type Outcome,
  type Place,
  type Verdicts,
} from './verdicts.ts'

export type { Verdicts } from './verdicts.ts'

const MUTANTS_PER_MESSAGE = 10
const MESSAGES_PER_SENDER = 5
const SENDERS_AT_A_TIME = 10
/** One sender in so many is a member of a group. */
const GROUP_SHARE = 4
const MISDIRECTED = 0.1

export interface DifferentialOptions {
  oracle: Oracle
  curve: Curve25519
  mutations: number
  seed: number
}

export async function compareVerdicts(options: DifferentialOptions): Promise<Verdicts> {
  const verdicts = noVerdicts()
  for (let stream = 0; verdicts.mutants < options.mutations; stream += SENDERS_AT_A_TIME) {
    const senders = Array.from({ length: SENDERS_AT_A_TIME }, (_, index) => {
      const place = { verdicts, seed: options.seed, stream: stream + index }
      const compare = place.stream % GROUP_SHARE === 0 ? compareGroup : comparePair
      return compare(options, place)
    })
    await Promise.all(senders)
  }
  return verdicts
}

interface Sender {
  connect(bundle: Twin['bundle']): Promise<void>
  encrypt(plaintext: Uint8Array): Promise<SealedMessage>
}

async function comparePair({ oracle, curve }: DifferentialOptions, place: Place): Promise<void> {
  const dice = new Dice(place.seed, place.stream)
  const self = addressOf(1, place.stream)
  const remote = addressOf(2, place.stream)
  const oneTime = dice.chance(0.5)
  const twin = await Twin.start({ oracle, curve, self, remote, oneTime, dice })
  const sender: Sender = dice.chance(0.5)
    ? new OurParty(remote, self, { curve, random: dice.bytes })
    : await OracleParty.start(remote, self, oracle)
  await sender.connect(twin.bundle)
  for (let i = 0; i < MESSAGES_PER_SENDER; i++) {
    const genuine = await sender.encrypt(dice.bytes(40))
    const asMessage = i > 0 && dice.chance(0.5)
    const sealed = asMessage ? unwrapped(genuine) : genuine
    const outcome = await compareMutants(twin, { sealed, self, remote, dice }, place)
    if (outcome === 'apart') return
    if (outcome === 'refused') noteGenuine(await twin.judge(genuine), place)
  }
}

interface Spoiling {
  sealed: SealedMessage
  self: Address
  remote: Address
  dice: Dice
}

async function compareMutants(twin: Twin, spoiling: Spoiling, place: Place): Promise<Outcome> {
  const { sealed, dice } = spoiling
  for (let i = 0; i < MUTANTS_PER_MESSAGE; i++) {
    if (dice.chance(MISDIRECTED)) {
      const { how, envelope } = misdirect(spoiling)
      const redirected = { kind: sealed.type, how, bytes: sealed.ciphertext }
      const outcome = noteMutant(redirected, await twin.judge(sealed, envelope), place)
      if (outcome !== 'refused') return outcome
      continue
    }
    const mutate = sealed.type === 'prekey' ? mutatePreKeyMessage : mutateRatchetMessage
    const { how, bytes } = mutate(sealed.ciphertext, dice)
    if (equalBytes(bytes, sealed.ciphertext)) continue
    const mutant = { kind: sealed.type, how, bytes }
    const judgements = await twin.judge({ type: sealed.type, ciphertext: bytes })
    const outcome = noteMutant(mutant, judgements, place)
    if (outcome !== 'refused') return outcome
  }
  return 'refused'
}

function misdirect({ self, remote, dice }: Spoiling): { how: string; envelope: Envelope } {
  const choices: [string, Envelope][] = [
    ['another sender', { sender: another(remote) }],
    ['another device of the sender', { sender: anotherDevice(remote) }],
    ['another receiver', { receiver: another(self) }],
    ['another device of the receiver', { receiver: anotherDevice(self) }],
    ['sender and receiver swapped', { sender: self, receiver: remote }],
  ]
  const [how, envelope] = choices[dice.below(choices.length)] ?? ['', {}]
  return { how, envelope }
}

function another({ account, device }: Address): Address {
  return { account: account.replace(/^0/, 'f'), device }
}

function anotherDevice({ account, device }: Address): Address {
  return { account, device: 1 + (device % 127) }
}

function unwrapped({ ciphertext }: SealedMessage): SealedMessage {
  return { type: 'message', ciphertext: innerMessage(ciphertext) }
}

export function addressOf(kind: number, stream: number): Address {
  const account = `0000000${kind}-0000-4000-8000-${stream.toString(16).padStart(12, '0')}`
  return { account, device: 1 + (stream % 127) }
}
