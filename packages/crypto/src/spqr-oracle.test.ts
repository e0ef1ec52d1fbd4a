// Replays what the official library and this one said to each other in sessions of theirs, with a
// tenth of the messages lost and some late. Each key was proven by the MAC of the message it
// opened.

import { describe, expect, test } from 'bun:test'
import asInitiator from '../../../vectors/spqr/initiator.json'
import asResponder from '../../../vectors/spqr/responder.json'
import { toHex } from './bytes.ts'
import { decodeSpqr, encodeSpqr, spqrInit, spqrReceive, type SpqrRole, spqrSend } from './spqr.ts'
import { fromHex } from './vectors.fixture.ts'

interface Transcript {
  oracle: string
  role: string
  authKey: string
  events: { send?: string; receive?: string; random?: string; key: string }[]
}

function replay({ authKey, events }: Transcript, role: SpqrRole): number {
  let state = spqrInit({ authKey: fromHex(authKey), role })
  for (const { send, receive, random, key } of events) {
    if (receive !== undefined) {
      const received = spqrReceive(state, fromHex(receive))
      expect(toHex(received.key)).toBe(key)
      state = received.state
    } else {
      const sent = spqrSend(state, () => fromHex(random ?? ''))
      expect(toHex(sent.message)).toBe(send ?? '')
      expect(toHex(sent.key)).toBe(key)
      state = sent.state
    }
    state = decodeSpqr(encodeSpqr(state))
  }
  return state.braid.epoch
}

describe('a recorded session with libsignal 0.103.0', () => {
  test('gives the same keys and messages when we were the initiator', () => {
    expect(replay(asInitiator, 'initiator')).toBe(3)
  })

  test('gives the same keys and messages when we were the responder', () => {
    expect(replay(asResponder, 'responder')).toBe(4)
  })
})
