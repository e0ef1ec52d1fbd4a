/**
 * The parsers of the product, as its source has them: exported functions whose name says that they
 * read, and whose first parameter is what comes from outside.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const houses: Readonly<Record<string, string>> = {
  wire: 'packages/wire/src',
  crypto: 'packages/crypto/src',
  sdk: 'packages/sdk/src',
  server: 'packages/server/src',
  'app-server': 'apps/server/src',
  cli: 'apps/cli/src',
  web: 'apps/web/src/text',
}

const reading = /^(parse|decode|read|unpad|decrypt|verify|matches|from|accept)([A-Z]\w*)?$/
const outside =
  /^(readonly )?(Uint8Array|unknown|string|ByteReader|Request|\w*Input|\w*Record|Encoded\w+|\w*List|\w*Json|Base64|\{.*)(\[\])?( \||$)/s
const declared =
  /^export (?:async )?function (\w+)(?:<[^>]*>)?\(\s*(?:\{[^}]*\}|\w+)\??: ([^,)]+)/gm
/** Not shipped, or written by a tool. */
const passedOver = /\.(test|contract|fixture)\.tsx?$|\/test-[\w-]+\.ts$|\/gen\/|\.d\.ts$/

/** `house:name`, each once. */
export function parsersIn(root: string): string[] {
  const names = Object.entries(houses).flatMap(([house, folder]) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !passedOver.test(`/${path}`))
      .flatMap((path) => parsersOf(readFileSync(join(root, folder, path), 'utf8')))
      .map((name) => `${house}:${name}`),
  )
  return [...new Set(names)].sort()
}

function parsersOf(source: string): string[] {
  return [...source.matchAll(declared)].flatMap(([, name = '', parameter = '']) =>
    reading.test(name) && outside.test(parameter.trim()) ? [name] : [],
  )
}

/** Why a function that looks like a parser needs no target. */
export const excluded: Readonly<Record<string, string>> = {
  'crypto:readUint32': 'reads a number at an offset that its callers have checked',
  'server:readIncarnation': 'reads a row that the server itself has written',
  'web:readPhoneNumber': 'loads toE164, which is in web-texts, and is what its own person types',
}
