// For tests: reads the language-neutral vectors at the root of the repository (vectors/README.md).

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Vector, vectorsOf, type WycheproofFile } from './wycheproof.fixture.ts'

export { fromHex } from './hex.fixture.ts'

const FOLDER = join(import.meta.dirname, '../../../vectors')

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(FOLDER, 'crypto', `${name}.json`), 'utf8')) as T
}

/** The vectors of a file, each with the fields of its group. */
export function readWycheproof<T extends Vector>(name: string): T[] {
  return vectorsOf<T>(JSON.parse(readPacked(name)) as WycheproofFile)
}

/** The large files, those of ML-KEM, are packed. */
function readPacked(name: string): string {
  const path = join(FOLDER, 'wycheproof', `${name}_test.json`)
  return name.startsWith('mlkem')
    ? gunzipSync(readFileSync(`${path}.gz`)).toString()
    : readFileSync(path, 'utf8')
}
