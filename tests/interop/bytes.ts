// Bytes as text, on every platform that our side of the test runs on.

export type Base64 = string

export function toBase64(bytes: Uint8Array): Base64 {
  let characters = ''
  for (const byte of bytes) characters += String.fromCharCode(byte)
  return btoa(characters)
}

export function fromBase64(text: Base64): Uint8Array {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i)
  return bytes
}
