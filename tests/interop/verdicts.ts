// What both sides said of spoilt messages, and where they may differ: each difference with its
// reason. In all of these ours is the stricter; there is no case in which it may be laxer.

import type { CryptoErrorCode } from '@parley/crypto'
import { KYBER_CIPHERTEXT_BYTES } from '../../packages/crypto/src/kyber1024.ts'
import { type Fields, parseFields } from '../../packages/crypto/src/protobuf.ts'
import { isTorsionFree } from '../../packages/crypto/src/signatures.ts'

/** The plaintext in base64 (nothing for a distribution), or how it was refused. */
export type Judgement = { accepted: string } | { refused: string }

export interface Judgements {
  ours: Judgement
  theirs: Judgement
}

export type MessageKind = 'prekey' | 'message' | 'group' | 'distribution'

export interface Mutant {
  kind: MessageKind
  /** What was done to it. */
  how: string
  bytes: Uint8Array
}

interface Difference {
  /** How we refuse it. */
  code: CryptoErrorCode
  /** What is so about the bytes that the library takes and we do not. */
  isSo: (mutant: Mutant) => boolean
  why: string
}

const STRICTER: readonly Difference[] = [
  {
    code: 'unsupported-version',
    isSo: hasOtherNewestVersion,
    why: 'the low half of the version byte is not looked at there; here there is one version',
  },
  {
    code: 'invalid-message',
    isSo: ({ kind, bytes }) =>
      kind === 'prekey' && read(bytes, (fields) => fields.uint32(5)) === undefined,
    why: 'a registration id that is not there counts as 0 there; here it is required',
  },
  {
    code: 'invalid-message',
    isSo: ({ kind, bytes }) =>
      kind === 'prekey' && bytesOf(bytes, 8)?.length !== KYBER_CIPHERTEXT_BYTES,
    why: 'the Kyber ciphertext of a known session is not read there; here its length is checked',
  },
  {
    code: 'invalid-key',
    isSo: ({ kind, bytes }) =>
      kind === 'distribution' && !isTorsionFree(bytesOf(bytes, 5) ?? NO_BYTES),
    why: 'a signing key that verifies nothing, or has other spellings, is taken there, not here',
  },
]
const NO_BYTES = new Uint8Array(0)

function hasOtherNewestVersion({ kind, bytes }: Mutant): boolean {
  const isOther = (version: number | undefined, own: number) =>
    version !== undefined && version >> 4 === own >> 4 && version !== own
  if (kind === 'group' || kind === 'distribution') return isOther(bytes[0], 0x33)
  const inner = kind === 'prekey' ? bytesOf(bytes, 4) : undefined
  return isOther(bytes[0], 0x44) || isOther(inner?.[0], 0x44)
}

function bytesOf(message: Uint8Array, field: number): Uint8Array | undefined {
  return read(message, (fields) => fields.bytes(field))
}

/** Nothing when the message cannot be read. */
function read<T>(message: Uint8Array, get: (fields: Fields) => T): T | undefined {
  try {
    return get(parseFields(message.subarray(1)))
  } catch {
    return undefined
  }
}

export interface Verdicts {
  mutants: number
  bothAccept: number
  bothRefuse: number
  /** Refused by us alone, by reason. */
  stricter: Record<string, number>
  /** By what was done, and on which kind of message. */
  kinds: Record<string, number>
  disagreements: string[]
}

export function noVerdicts(): Verdicts {
  return {
    mutants: 0,
    bothAccept: 0,
    bothRefuse: 0,
    stricter: {},
    kinds: {},
    disagreements: [],
  }
}

/** Where a verdict was given, to find it again. */
export interface Place {
  verdicts: Verdicts
  seed: number
  stream: number
}

/**
 * `accepted`: both opened a mutant, so the true message has no key left. `apart`: only one did, and
 * what comes after has nothing to say.
 */
export type Outcome = 'refused' | 'accepted' | 'apart'

export function noteMutant(mutant: Mutant, { ours, theirs }: Judgements, place: Place): Outcome {
  const { verdicts } = place
  verdicts.mutants++
  const name = `${mutant.kind}: ${mutant.how.replace(/ \([^)]*\)/, '')}`
  verdicts.kinds[name] = (verdicts.kinds[name] ?? 0) + 1
  if ('refused' in ours && 'refused' in theirs) {
    verdicts.bothRefuse++
    return 'refused'
  }
  if (agree({ ours, theirs })) {
    verdicts.bothAccept++
    return 'accepted'
  }
  const code = 'refused' in ours ? ours.refused : ''
  const known = STRICTER.find((rule) => rule.code === code && rule.isSo(mutant))
  if (known) verdicts.stricter[known.why] = (verdicts.stricter[known.why] ?? 0) + 1
  else disagree(`${mutant.kind} ${mutant.how}`, { ours, theirs }, place)
  return 'apart'
}

/** What was not spoilt must open on both sides, whatever came before. */
export function noteGenuine(judgements: Judgements, place: Place): void {
  if (agree(judgements)) return
  disagree('the true message', judgements, place)
}

function agree({ ours, theirs }: Judgements): boolean {
  return 'accepted' in ours && 'accepted' in theirs && ours.accepted === theirs.accepted
}

function disagree(what: string, judgements: Judgements, { verdicts, seed, stream }: Place): void {
  const said = JSON.stringify(judgements)
  verdicts.disagreements.push(`seed ${seed}, sender ${stream}, ${what}: ${said}`)
}
