/**
 * The one error that decoding throws: the bytes or text from outside are not what the protocol
 * says.
 */
export class WireError extends Error {
  override readonly name = 'WireError'
}
