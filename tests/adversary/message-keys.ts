/** Which message keys stand behind what a client sent, as the server reads it from the headers. */
import type { Send } from '@parley/wire'
import { parsePreKeyMessage, parseRatchetMessage } from '../../packages/crypto/src/messages.ts'

/**
 * Keys under which two different ciphertexts went out: a server could read from those. Repeating
 * the same bytes gives nothing away.
 */
export function keysUsedTwice(sends: readonly Send[]): string[] {
  const sealed = new Map<string, string>()
  const twice: string[] = []
  for (const { envelopes } of sends) {
    for (const { type, ciphertext } of envelopes) {
      const message = type === 'prekey' ? parsePreKeyMessage(ciphertext).message : ciphertext
      const { ratchetKey, counter, ciphertext: body } = parseRatchetMessage(message)
      const key = `${ratchetKey.toHex()}-${counter}`
      const before = sealed.get(key)
      if (before !== undefined && before !== body.toHex()) twice.push(key)
      sealed.set(key, body.toHex())
    }
  }
  return twice
}
