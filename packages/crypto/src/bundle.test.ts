// The size of the public entry as a browser would load it, with all that it needs.

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const BYTES_MAX = 35_000

test('the public entry is at most 35 kB, minified and compressed', async () => {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dirname, 'index.ts')],
    target: 'browser',
    minify: true,
  })
  const bytes = new Uint8Array((await outputs[0]?.arrayBuffer()) ?? new ArrayBuffer(0))
  const compressed = gzipSync(bytes, { level: 9 }).length
  console.log(`@parley/crypto: ${bytes.length} bytes minified, ${compressed} compressed`)
  expect(compressed).toBeGreaterThan(10_000)
  expect(compressed).toBeLessThanOrEqual(BYTES_MAX)
})
