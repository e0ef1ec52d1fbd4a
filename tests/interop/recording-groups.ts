// A group member of the official library that is kept as vectors: its keys and its messages, and our
// record of them as it was stored.

import {
  acceptSenderKey,
  CryptoError,
  decryptGroupMessage,
  type SenderKeyRecord,
} from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import { toBase64 } from './bytes.ts'
import type { OracleGroupParty } from './group-parties.ts'
import { type Heard, utf8 } from './recording.ts'

export class GroupRecording {
  readonly #party: OracleGroupParty
  readonly #events: object[] = []
  #record: SenderKeyRecord | undefined

  constructor(party: OracleGroupParty) {
    this.#party = party
  }

  async hear(plaintext: string): Promise<Heard> {
    return { ...(await this.#party.encrypt(utf8(plaintext))), plaintext }
  }

  async accepts(distribution: Uint8Array): Promise<void> {
    this.#record = acceptSenderKey({ record: this.#record, distribution })
    this.#events.push({ accepts: toBase64(distribution) })
  }

  async opens(message: Heard | undefined): Promise<void> {
    if (message === undefined) throw new Error('there is no such message')
    const { ciphertext, plaintext } = message
    const opened = await decryptGroupMessage({
      record: this.#stored(),
      ciphertext,
      curve: bunCurve,
    })
    this.#record = opened.record
    this.#events.push({ opens: 'group', ciphertext: toBase64(ciphertext), plaintext })
  }

  async refuses(message: Heard | undefined): Promise<void> {
    if (message === undefined) throw new Error('there is no such message')
    const { ciphertext } = message
    const input = { record: this.#stored(), ciphertext, curve: bunCurve }
    const code = await decryptGroupMessage(input).then(
      () => 'none',
      (error: unknown) => (error instanceof CryptoError ? error.code : String(error)),
    )
    if (code === 'none') throw new Error('what was to be refused was opened')
    this.#events.push({ refuses: 'group', ciphertext: toBase64(ciphertext), code })
  }

  stored(): void {
    this.#events.push({ stored: toBase64(this.#stored()) })
  }

  transcript(): { events: object[] } {
    return { events: this.#events }
  }

  #stored(): SenderKeyRecord {
    if (this.#record === undefined) throw new Error('there is no sender key yet')
    return this.#record
  }
}
