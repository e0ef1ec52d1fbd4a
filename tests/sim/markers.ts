/** I6: finds what people wrote, plain or thinly wrapped, where only the server looks. */

/** Stands in each text that somebody sends in the simulation, and in each name. */
export const textMarker = ' privately tells '
export const nameMarker = 'Klarname-Nachname'

/** The marker inside of base64, wherever in a group of three bytes it begins. */
function base64Forms(marker: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + marker).toString('base64')
    return encoded.slice(shift === 0 ? 0 : 4, -4)
  })
}

const forms = [textMarker, nameMarker].flatMap((marker) => [
  marker,
  Buffer.from(marker).toString('hex'),
  ...base64Forms(marker),
])

export function holdsMarker(bytes: Uint8Array | string): boolean {
  if (typeof bytes === 'string') return forms.some((form) => bytes.includes(form))
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return forms.some((form) => buffer.includes(form, 0, 'latin1'))
}
