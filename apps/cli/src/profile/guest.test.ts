/** A guest whose owner is another version, or no parley at all. */
import { afterEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ParleyError } from '@parley/sdk'
import { OwnerGone } from './calls.ts'
import { openGuest } from './guest.ts'
import { socketName } from './socket-place.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** Answers the first call with this line and stays. */
async function guestOf(line: string) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-guest-'))
  const owner = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.write(`${line}\n`))
  })
  ends.push(() => {
    owner.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise<void>((resolve) => owner.listen(join(folder, socketName), () => resolve()))
  const guest = await openGuest(folder)
  if (!guest) throw new Error('nobody listens')
  ends.push(() => void guest.close())
  return guest
}

test('an answer, and a refusal', async () => {
  const answered = await guestOf('{"kind":"value","call":1,"value":"yes"}')
  expect(await answered.call('contacts', [])).toBe('yes')
  const refused = await guestOf(
    '{"kind":"problem","call":1,"problem":{"code":"refused","says":"No."}}',
  )
  expect(await refused.call('contacts', []).catch((error: unknown) => error)).toBeInstanceOf(
    ParleyError,
  )
})

// A call whose answer was malformed was taken off the list before its outcome was made, and then
// nobody settled it: the command hung for good.
test.each([
  '{"kind":"problem","call":1}',
  '{"kind":"problem","call":1,"problem":null}',
  '{"call":1}',
  'null',
  '"text"',
  'not JSON',
])('an answer that says nothing ends the link, and the call with it: %s', async (line) => {
  const guest = await guestOf(line)
  const outcome = await guest.call('contacts', []).catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(OwnerGone)
  expect(await guest.call('contacts', []).catch((error: unknown) => error)).toBeInstanceOf(
    OwnerGone,
  )
})
