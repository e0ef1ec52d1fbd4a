// A version that speaks SPQR but would do without: we run with SPQR or not at all. Plays what a
// server could do to bring us down, and a peer for whom that version does fall back.

import { type Address, equalBytes } from '@parley/crypto'
import { parseFields } from '../../packages/crypto/src/protobuf.ts'
import { refusalOf, refuses, type SealedMessage } from './conversation.ts'
import { WITHOUT_SPQR } from './expectations.ts'
import { innerMessage, PREKEY, RATCHET, readMessage, rewrite, withInner } from './fields.ts'
import { newObserver, type Observations, type Observer } from './observations.ts'
import type { Oracle } from './oracle-link.ts'
import { newAddress, OracleParty, pairChannel } from './parties.ts'
import { Dice } from './random.ts'
import { converse, explain, type RunOptions } from './run.ts'
import { PAIR } from './schedule.ts'
import { Twin } from './twin.ts'

const ROUNDS = 20
const PQ_RATCHET = 5
const KYBER_ID = 7
const KYBER_CIPHERTEXT = 8
/** Streams of a seed, apart from those of conversations. */
const STREAM = 3_000_000

export interface ObservingOptions extends RunOptions {
  openOracle(version: string): Promise<Oracle>
}

export async function runDowngrade(options: ObservingOptions): Promise<Observations> {
  const observer = newObserver(options.seed)
  await talkWithSpqr(options, observer)
  await using older = await options.openOracle(WITHOUT_SPQR)
  for (let round = 0; round < ROUNDS; round++) {
    const dice = new Dice(options.seed, STREAM + round)
    await beginFromThere(options, observer, dice)
    await stripMessages(options, observer, dice)
    await fallBackForAnother(options, { observer, older, dice })
  }
  return observer.observations
}

/** Sessions that we begin, over a bad network; whatever had no SPQR would not open here. */
async function talkWithSpqr(options: RunOptions, observer: Observer): Promise<void> {
  const deliveries = Math.ceil(options.deliveries / 2)
  const outcomes = await Promise.all(
    [true, false].map((oneTime, stream) =>
      converse(options, {
        schedule: { kind: 'pair', starts: 'ours', oneTime, seed: options.seed, stream, turns: [] },
        deliveries,
        monologue: Math.min(1_000, Math.floor(deliveries / 4)),
        traits: { ...PAIR, beginners: ['ours'] },
      }),
    ),
  )
  const { observations } = observer
  for (const { totals, failed } of outcomes) {
    observations.deliveries += totals.deliveries
    observations.seen['epochs of SPQR begun'] =
      (observations.seen['epochs of SPQR begun'] ?? 0) + totals.epochs
    if (failed) observations.problems.push(await explain(options, failed))
  }
}

/** Its first messages lack the addresses, which we require, and so leave nothing behind. */
async function beginFromThere(options: RunOptions, observer: Observer, dice: Dice): Promise<void> {
  const { parties } = await channelOf(options, dice)
  const { ours, theirs } = parties
  await theirs.connect(await ours.publish(dice.chance(0.5)))
  const message = await theirs.encrypt(dice.bytes(30))
  const refusal = await refusalOf(ours, message)
  observer.expect(
    'a first message without addresses is refused and leaves no session',
    refusal?.startsWith('invalid-message') === true && ours.record === undefined,
    refusal,
  )
  for (const [how, stripped] of strippedForms(message)) {
    observer.expect(...refused(`a first message ${how}`, await refusalOf(ours, stripped)))
  }
}

/** Each message of a session that we began, stripped in every way on its way to us. */
async function stripMessages(options: RunOptions, observer: Observer, dice: Dice): Promise<void> {
  const { parties } = await channelOf(options, dice)
  const { ours, theirs } = parties
  await ours.connect(await theirs.publish(dice.chance(0.5)))
  for (let i = 0; i < 3; i++) {
    await theirs.decrypt(await ours.encrypt(dice.bytes(10)))
    const genuine = await theirs.encrypt(dice.bytes(30))
    const before = ours.record
    for (const [how, stripped] of strippedForms(genuine)) {
      observer.expect(...refused(`a message ${how}`, await refusalOf(ours, stripped)))
    }
    observer.expect('the session is as it was after those', ours.record === before)
    const opens = !(await refuses(ours, genuine))
    observer.expect('the true message opens after those', opens)
  }
}

/**
 * Somebody without SPQR writes to a device that the oracle and we both play: the oracle takes it and
 * answers without, we refuse.
 */
async function fallBackForAnother(
  { oracle, curve }: RunOptions,
  { observer, older, dice }: { observer: Observer; older: Oracle; dice: Dice },
): Promise<void> {
  const [self, remote] = [newAddress(dice), newAddress(dice)]
  const twin = await Twin.start({ oracle, curve, self, remote, oneTime: dice.chance(0.5), dice })
  const sender = await OracleParty.start(remote, self, older)
  await sender.connect(twin.bundle)
  const message = await sender.encrypt(dice.bytes(30))
  const { ours, theirs } = await twin.judge(message)
  observer.expect('it falls back for a peer without SPQR', 'accepted' in theirs)
  observer.expect(
    'we do not fall back for that peer',
    'refused' in ours && ours.refused === 'unsupported-version' && !twin.hasSession,
    JSON.stringify(ours),
  )
  const answer = await answerOf(oracle, self, remote)
  const pqRatchet = parseFields(answer.slice(1, -RATCHET.trailerBytes)).bytes(PQ_RATCHET)
  observer.expect('its answer there has no SPQR', (pqRatchet?.length ?? 0) === 0)
  const refused = await twin.judge({ type: 'message', ciphertext: answer })
  observer.expect('we do not open such an answer', 'refused' in refused.ours)
}

/** Not for just any reason: because it is less than what is spoken here. */
function refused(what: string, refusal: string | undefined): [string, boolean, string] {
  const isSo = refusal?.startsWith('unsupported-version') === true
  return [`${what} is refused`, isSo, refusal ?? 'it opened']
}

async function answerOf(oracle: Oracle, self: Address, remote: Address): Promise<Uint8Array> {
  const party = OracleParty.existing(self, remote, oracle)
  return (await party.encrypt(Uint8Array.of(1))).ciphertext
}

export function strippedForms({ type, ciphertext }: SealedMessage): [string, SealedMessage][] {
  const isFirst = type === 'prekey'
  const inner = isFirst ? innerMessage(ciphertext) : ciphertext
  const wrap = (bytes: Uint8Array) => (isFirst ? withInner(ciphertext, bytes) : bytes)
  const version = (byte: number) => (bytes: Uint8Array) => Uint8Array.of(byte, ...bytes.slice(1))
  const forms: [string, Uint8Array][] = [
    ['without SPQR', wrap(without(inner, [PQ_RATCHET]))],
    ['with empty SPQR', wrap(emptied(inner, PQ_RATCHET))],
    ['of version 3', wrap(version(0x34)(inner))],
    ['of version 3 and nothing newer', wrap(version(0x33)(inner))],
    ['without SPQR and of version 3', wrap(version(0x33)(without(inner, [PQ_RATCHET])))],
  ]
  if (isFirst) {
    const withoutKyber = (fields: number[]) =>
      rewrite(
        ciphertext,
        PREKEY,
        readMessage(ciphertext, PREKEY).filter(({ number }) => !fields.includes(number)),
      )
    forms.push(
      ['without Kyber', withoutKyber([KYBER_ID, KYBER_CIPHERTEXT])],
      ['without Kyber ciphertext', withoutKyber([KYBER_CIPHERTEXT])],
      ['without Kyber id', withoutKyber([KYBER_ID])],
      ['of version 3 outside', version(0x33)(ciphertext)],
    )
  }
  return forms
    .filter(([, bytes]) => !equalBytes(bytes, ciphertext))
    .map(([how, bytes]) => [how, { type, ciphertext: bytes }])
}

function without(message: Uint8Array, dropped: readonly number[]): Uint8Array {
  const fields = readMessage(message, RATCHET).filter(({ number }) => !dropped.includes(number))
  return rewrite(message, RATCHET, fields)
}

function emptied(message: Uint8Array, wanted: number): Uint8Array {
  const fields = readMessage(message, RATCHET).map((field) =>
    field.number === wanted ? { ...field, value: new Uint8Array(0) } : field,
  )
  return rewrite(message, RATCHET, fields)
}

export function channelOf({ oracle, curve }: RunOptions, dice: Dice) {
  const addresses = { ours: newAddress(dice), theirs: newAddress(dice) }
  return pairChannel({
    ...addresses,
    oneTime: dice.chance(0.5),
    oracle,
    platform: { curve, random: dice.bytes },
  })
}
