/**
 * Looks for a string in bytes, in every form in which something that was not sealed could stand
 * there.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the bytes would be if the marker stood in them. */
export function formsOf(marker: string): Map<string, Buffer> {
  const utf8 = Buffer.from(marker)
  const utf16 = Buffer.from(marker, 'utf16le')
  const forms = new Map([
    ['UTF-8', utf8],
    ['UTF-16LE', utf16],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
    ['hex', Buffer.from(utf8.toString('hex'))],
    ['HEX', Buffer.from(utf8.toString('hex').toUpperCase())],
  ])
  for (const alphabet of ['base64', 'base64url'] as const) {
    for (let offset = 0; offset < 3; offset++) {
      // Characters that also hold bits of what stands before or behind are left out.
      const shifted = Buffer.concat([Buffer.alloc(offset), utf8]).toString(alphabet)
      const from = Math.ceil((offset * 8) / 6)
      const to = Math.floor(((offset + utf8.length) * 8) / 6)
      forms.set(`${alphabet} at ${offset}`, Buffer.from(shifted.slice(from, to)))
    }
  }
  return forms
}

/** Where which marker stands, in which form. */
export function findMarkers(
  places: Iterable<readonly [string, Buffer]>,
  markers: Readonly<Record<string, string>>,
): string[] {
  const patterns = Object.entries(markers).flatMap(([name, marker]) =>
    Array.from(formsOf(marker), ([form, bytes]) => ({ says: `${name} as ${form}`, bytes })),
  )
  const found: string[] = []
  for (const [place, bytes] of places) {
    const there = patterns.filter((pattern) => bytes.includes(pattern.bytes))
    found.push(...there.map(({ says }) => `${says} in ${place}`))
  }
  return found
}

/** Every file under the folder, with its name. */
export function filesUnder(folder: string): [string, Buffer][] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path)])
}
