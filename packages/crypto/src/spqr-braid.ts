// The ML-KEM Braid as one machine: hands what is sent and received to the side that the party is on
// in this epoch, and lets the two change places when an epoch is over.

import { CryptoError } from './errors.ts'
import type { RandomBytes } from './primitives.ts'
import { startAuthenticator } from './spqr-authenticator.ts'
import type { SpqrRole } from './spqr-chain.ts'
import { encapsulatorReceive, encapsulatorSend } from './spqr-encapsulator.ts'
import { generatorReceive, generatorSend } from './spqr-generator.ts'
import type { SpqrMessage } from './spqr-message.ts'
import {
  type Braid,
  type BraidReceived,
  type BraidSent,
  FIRST_ENCAPSULATOR_STEP,
  FIRST_GENERATOR_STEP,
  type GeneratorStep,
  type Step,
} from './spqr-steps.ts'

const GENERATOR_STEPS: ReadonlySet<Step['at']> = new Set([
  'keys-unsampled',
  'keys-sampled',
  'header-sent',
  'ct1-received',
  'vector-sent',
] satisfies GeneratorStep['at'][])

export function startBraid(authKey: Uint8Array, role: SpqrRole): Braid {
  return {
    epoch: 1,
    authenticator: startAuthenticator(authKey),
    step: role === 'initiator' ? FIRST_GENERATOR_STEP : FIRST_ENCAPSULATOR_STEP,
  }
}

export function braidSend(braid: Braid, random: RandomBytes): BraidSent {
  const { step } = braid
  return isGeneratorStep(step)
    ? generatorSend({ ...braid, step }, random)
    : encapsulatorSend({ ...braid, step }, random)
}

export function braidReceive(braid: Braid, { epoch, payload }: SpqrMessage): BraidReceived {
  if (epoch < braid.epoch) return { braid, secret: undefined }
  if (epoch > braid.epoch) return { braid: nextEpoch(braid, epoch), secret: undefined }
  const { step } = braid
  return isGeneratorStep(step)
    ? generatorReceive({ ...braid, step }, payload)
    : encapsulatorReceive({ ...braid, step }, payload)
}

/**
 * The generator is an epoch ahead once it has ct2; its place is then the encapsulator's to take.
 */
function nextEpoch(braid: Braid, epoch: number): Braid {
  if (braid.step.at !== 'ct2-sampled' || epoch !== braid.epoch + 1) {
    throw new CryptoError('invalid-message', 'the post-quantum epoch of the message cannot be')
  }
  return { epoch, authenticator: braid.authenticator, step: FIRST_GENERATOR_STEP }
}

function isGeneratorStep(step: Step): step is GeneratorStep {
  return GENERATOR_STEPS.has(step.at)
}
