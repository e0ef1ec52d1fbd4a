// For tests: bytes from the base64 in which recorded conversations have them.

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}
