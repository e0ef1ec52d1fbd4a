/**
 * `parley serve` as a process: what it prints, how it ends, and what it says when it cannot start.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnServer } from '@parley/testkit'
import { Database } from 'bun:sqlite'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'
const main = join(import.meta.dir, 'main.ts')

async function run(...flags: string[]) {
  const child = Bun.spawn([process.execPath, main, ...flags], { stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { stdout, stderr, status }
}

function temporary() {
  const path = mkdtempSync(join(tmpdir(), 'parley-main-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

function askForCode(url: string) {
  return fetch(`${url}/v1/registrations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ phone: alice }),
  })
}

test('stdout is the ready line and the codes, and SIGTERM ends it with 0 within ten seconds', async () => {
  await using server = await spawnServer()
  await askForCode(server.url)
  const code = await server.code(alice)
  expect(code).toMatch(/^[0-9]{6}$/)
  const startedMs = Bun.nanoseconds() / 1e6
  server.kill('SIGTERM')
  expect(await server.exited).toBe(0)
  expect(Bun.nanoseconds() / 1e6 - startedMs).toBeLessThan(10_000)
  const { stdout, stderr } = server.output()
  expect(stdout).toBe(`Parley is ready at ${server.url}\nCode for ${alice}: ${code}\n`)
  expect(stderr).not.toContain(alice)
  expect(stderr).not.toContain(code)
})

test('SIGTERM with a connection that does not answer ends it with 0 as well', async () => {
  await using server = await spawnServer()
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/socket`, ['parley.v1'])
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  server.kill('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('[S17] after SIGKILL the next server takes over the data folder at once', async () => {
  using data = temporary()
  const first = await spawnServer({ dataFolder: data.path })
  await askForCode(first.url)
  first.kill('SIGKILL')
  await first.exited
  await using second = await spawnServer({ dataFolder: data.path })
  expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
})

test('a second server on the data folder exits 1 with a sentence that says what to do', async () => {
  await using first = await spawnServer()
  const { status, stderr } = await run('--port', '0', '--data', first.dataFolder)
  expect(status).toBe(1)
  expect(stderr).toBe(
    `Another Parley server runs on the data folder ${first.dataFolder}. Stop it first, or choose another folder with --data.\n`,
  )
})

test('a port in use exits 1 with a sentence that says what to do', async () => {
  await using first = await spawnServer()
  using data = temporary()
  const { status, stderr } = await run('--port', new URL(first.url).port, '--data', data.path)
  expect(status).toBe(1)
  expect(stderr).toContain('is in use. Stop the program that uses it')
})

test('a data folder of a newer version exits 1, says so, and is left as it was', async () => {
  using data = temporary()
  const first = await spawnServer({ dataFolder: data.path })
  first.kill('SIGTERM')
  await first.exited
  const path = join(data.path, 'accounts.sqlite')
  const database = new Database(path)
  database.run('update schema_version set version = 999')
  database.close()
  const { status, stderr } = await run('--port', '0', '--data', data.path)
  expect(status).toBe(1)
  expect(stderr).toContain('was written by a newer version of Parley. Start that version again')
  const after = new Database(path)
  expect(after.query('select version from schema_version').get()).toEqual({ version: 999 })
  after.close()
})

test('a log of a newer version exits 1 and says so', async () => {
  using data = temporary()
  const first = await spawnServer({ dataFolder: data.path })
  first.kill('SIGTERM')
  await first.exited
  const database = new Database(join(data.path, 'log.sqlite'))
  database.run('pragma user_version = 999')
  database.close()
  const { status, stderr } = await run('--port', '0', '--data', data.path)
  expect([status, stderr.includes('written by a newer version of Parley')]).toEqual([1, true])
})

test('a data folder that cannot be written or made exits 1 with a sentence', async () => {
  using data = temporary()
  await Bun.write(join(data.path, 'file'), '')
  const { status, stderr } = await run('--port', '0', '--data', join(data.path, 'file/data'))
  expect(status).toBe(1)
  expect(stderr).toContain('cannot be written. Give this user the right to')
})

test('files that are no databases exit 1 and are left as they were', async () => {
  using data = temporary()
  const path = join(data.path, 'accounts.sqlite')
  await Bun.write(path, 'precious'.repeat(1_000))
  const { status, stderr } = await run('--port', '0', '--data', data.path)
  expect([status, stderr.includes('Check the disk, or restore a backup.')]).toEqual([1, true])
  expect(await Bun.file(path).text()).toBe('precious'.repeat(1_000))
})

test('wrong settings exit 2, --help exits 0', async () => {
  const wrong = await run('--port', 'eighty')
  expect([wrong.status, wrong.stderr.includes('--port or PARLEY_PORT')]).toEqual([2, true])
  const help = await run('--help')
  expect([help.status, help.stdout.includes('Usage: parley serve')]).toEqual([0, true])
})
