/**
 * The command line against a real server process: what commands.md promises to scripts, bots and
 * cron jobs.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SpawnedServer } from '@parley/testkit'
import { crashAndRestart, newPhone, Person, serverProcess } from './cli-harness.ts'
import type { Line } from './cli-harness.ts'

setDefaultTimeout(60_000)

let server: SpawnedServer
beforeAll(async () => {
  server = await serverProcess()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function couple(): Promise<{ ada: Person; ben: Person } & AsyncDisposable> {
  const ada = await Person.registered(server, 'Ada')
  const ben = await Person.registered(server, 'Ben')
  return {
    ada,
    ben,
    async [Symbol.asyncDispose]() {
      await ada[Symbol.asyncDispose]()
      await ben[Symbol.asyncDispose]()
    },
  }
}

const textsOf = (lines: Line[]) =>
  lines.filter((line) => line['type'] !== 'receipt').map((line) => line['text'])

test('registering without a terminal takes two steps, and the profile is private', async () => {
  await using ada = await Person.create(server)
  const asked = await ada.run(['register', '--phone', ada.phone])
  expect(asked.status).toBe(1)
  expect(asked.stdout).toBe('')
  expect(asked.stderr).toContain(`parley register --phone ${ada.phone} --code -`)
  const code = await server.code(ada.phone)
  const options = ['--code', '-', '--name', 'Ada']
  const done = await ada.run(['register', '--phone', ada.phone, ...options], { stdin: code })
  expect(done.status).toBe(0)
  expect(Object.keys(done.lines[0] ?? {})).toEqual(['account', 'device', 'recovery_key'])
  expect(done.lines[0]?.['recovery_key']).not.toBe('')
  const me = await ada.run(['whoami'])
  expect(me.lines[0]).toMatchObject({ phone: ada.phone, name: 'Ada', server: server.url })
  expect(me.lines[0]?.['account']).toBe(done.lines[0]?.['account'])
  const folder = join(ada.home, 'default')
  expect(statSync(folder).mode & 0o077).toBe(0)
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0)
})

test('a code can also be read from stdin while the command waits for it', async () => {
  await using ada = await Person.create(server)
  const running = ada.start(['register', '--phone', ada.phone, '--code', '-'])
  running.endInput(`${await server.code(ada.phone)}\n`)
  expect((await running.finished).status).toBe(0)
})

test('a wrong code is refused with status 5, and the right one still counts', async () => {
  await using ada = await Person.create(server)
  await ada.run(['register', '--phone', ada.phone])
  const code = await server.code(ada.phone)
  const wrong = code === '000000' ? '111111' : '000000'
  const refused = await ada.run(['register', '--phone', ada.phone, '--code', wrong])
  expect(refused.status).toBe(5)
  expect(refused.stderr).toContain('That code is not right')
  expect((await ada.run(['register', '--phone', ada.phone, '--code', code])).status).toBe(0)
})

test('a registered profile is not registered over', async () => {
  await using ada = await Person.registered(server, 'Ada')
  const again = await ada.run(['register', '--phone', newPhone()])
  expect(again.status).toBe(1)
  expect(again.stderr).toContain(ada.phone)
})

test('who is not logged in gets status 3 and the command that helps', async () => {
  await using nobody = await Person.create(server)
  for (const argv of [['whoami'], ['chats'], ['send', newPhone(), 'hello'], ['logout']]) {
    const { status, stdout, stderr } = await nobody.run(argv)
    expect([argv[0], status, stdout]).toEqual([argv[0], 3, ''])
    expect(stderr).toMatch(/registered/i)
  }
})

test('wrong usage has status 2', async () => {
  await using ada = await Person.create(server)
  const wrong = [
    ['send'],
    ['dance'],
    ['send', newPhone(), 'hello', '--wait', 'tomorrow'],
    ['send', newPhone(), 'hello', '--batch'],
    ['send', newPhone(), 'hello', '--timeout', 'soon'],
    ['listen', '--count', '0'],
    ['register'],
    ['chats', '--server', 'ftp://example.org'],
    ['chats', '--profile', '../other'],
  ]
  for (const argv of wrong) {
    const { status, stdout } = await ada.run(argv)
    expect([argv.join(' '), status, stdout]).toEqual([argv.join(' '), 2, ''])
  }
})

test('every command explains itself with examples', async () => {
  await using ada = await Person.create(server)
  const commands = ['register', 'whoami', 'logout', 'contacts', 'send', 'listen', 'chats']
  for (const argv of [
    [],
    ...[...commands, 'history', 'safety-number', 'doctor'].map((each) => [each]),
  ]) {
    const { status, stdout } = await ada.run([...argv, '--help'], { json: false })
    expect(status).toBe(0)
    expect(stdout).toContain('Examples:\n  parley ')
  }
  const { status, stdout } = await ada.run(['serve', '--help'], { json: false })
  expect(status).toBe(0)
  expect(stdout).toContain('PARLEY_PORT')
})

test('an unknown recipient is refused with status 5', async () => {
  await using ada = await Person.registered(server, 'Ada')
  const { status, stderr } = await ada.run(['send', newPhone(), 'hello'])
  expect(status).toBe(5)
  expect(stderr).toContain('Nobody is registered there')
})

test('two people chat: plain, emoji, Arabic, and the longest text there may be', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const longest = `${'ü'.repeat(32_767)}!!`
  expect(Buffer.byteLength(longest)).toBe(65_536)
  const texts = ['hello', '👩‍👧‍👦 🇩🇪 ✅', 'مرحبا، كيف حالك؟', 'two\nlines', longest]
  for (const text of texts) {
    const sent = await ada.run(['send', ben.phone], { stdin: text })
    expect([sent.status, sent.stderr]).toEqual([0, ''])
    expect(sent.lines).toHaveLength(1)
    expect(sent.lines[0]).toMatchObject({ conversation: ben.account, status: 'accepted' })
    expect(sent.lines[0]?.['id']).toMatch(/^[0-9a-f]{32}$/)
  }
  const heard = await ben.run(['listen', '--count', '5', '--timeout', '30'])
  expect(heard.status).toBe(0)
  expect(textsOf(heard.lines)).toEqual(texts)
  expect(heard.lines[0]).toMatchObject({
    type: 'message',
    conversation: ada.account,
    from: ada.phone,
  })
  expect(String(heard.lines[0]?.['sent_at'])).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
  expect((await ben.run(['send', ada.account, 'and you?'])).status).toBe(0)
  const answer = await ada.run(['listen', '--count', '1', '--timeout', '30'])
  expect(answer.lines.map((line) => line['text'] ?? line['type'])).toContainEqual(
    expect.stringMatching(/and you\?|receipt/),
  )
})

test('one byte more is refused before it is sent, and nothing is written', async () => {
  await using people = await couple()
  const { ada, ben } = people
  await ada.run(['contacts', 'add', ben.phone])
  const { status, stdout, stderr } = await ada.run(['send', ben.phone], {
    stdin: 'x'.repeat(65_537),
  })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toContain('65,536 bytes')
  expect((await ada.run(['history', ben.phone])).lines).toEqual([])
})

test('a cron job waits until its message was delivered, and until it was read', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const listening = ben.start(['listen'])
  const delivered = await ada.run(['send', ben.phone, 'backup done', '--wait', 'delivered'])
  expect([delivered.status, delivered.lines[0]?.['status']]).toEqual([0, 'delivered'])
  await listening.untilLines(1)
  listening.kill('SIGTERM')
  expect((await listening.finished).status).toBe(0)
  const waiting = ada.start(['send', ben.phone, 'and this', '--wait', 'read', '--timeout', '30'])
  const reading = await ben.run(['listen', '--read', '--count', '1', '--timeout', '30'])
  expect(textsOf(reading.lines)).toEqual(['and this'])
  const read = await waiting.finished
  expect([read.status, read.lines[0]?.['status']]).toEqual([0, 'read'])
})

test('not delivered in time is status 1, with what became of it', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const { status, lines, stderr } = await ada.run([
    'send',
    ben.phone,
    'anybody?',
    '--wait',
    'delivered',
    '--timeout',
    '1',
  ])
  expect([status, lines[0]?.['status']]).toEqual([1, 'accepted'])
  expect(stderr).toContain('was not delivered within 1 seconds')
})

test('the sender hears who has read up to where', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const sent = await ada.run(['send', ben.phone, 'one'])
  await ben.run(['listen', '--read', '--count', '1', '--timeout', '30'])
  const listening = ada.start(['listen', '--timeout', '30'])
  for (let count = 1; !listening.lines().some((line) => line['status'] === 'read'); count++) {
    await listening.untilLines(count)
  }
  listening.kill('SIGINT')
  const { status, lines } = await listening.finished
  expect(status).toBe(0)
  expect(lines.at(-1)).toEqual({
    type: 'receipt',
    conversation: ben.account,
    from: ben.phone,
    status: 'read',
    up_to: sent.lines[0]?.['id'],
  })
})

test('a bot listens and answers on one profile, in two processes', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const listening = ben.start(['listen'])
  await ada.run(['send', ben.phone, 'ping 0'])
  await listening.untilLines(1)
  const answering = ben.start(['send', ada.phone, '--batch'])
  await answering.untilStderr(/works through it/)
  answering.write('pong 0\n')
  await answering.untilLines(1)
  for (let round = 1; round <= 10; round++) {
    await ada.run(['send', ben.phone, `ping ${round}`])
    const heard = await untilTexts(listening, round + 1)
    answering.write(`${String(heard.at(-1)).replace('ping', 'pong')}\n`)
    await answering.untilLines(round + 1)
  }
  answering.endInput()
  expect((await answering.finished).status).toBe(0)
  listening.kill('SIGTERM')
  await listening.finished
  const history = await ada.run(['history', ben.phone, '--limit', '100'])
  const rounds = Array.from({ length: 11 }, (_, round) => [`ping ${round}`, `pong ${round}`])
  expect(history.lines.map((line) => line['text'])).toEqual(rounds.flat())
})

/** Waits for that many messages, whatever receipts come between. */
async function untilTexts(
  listening: ReturnType<Person['start']>,
  count: number,
): Promise<unknown[]> {
  for (let lines = count; textsOf(listening.lines()).length < count; lines++) {
    await listening.untilLines(lines)
  }
  return textsOf(listening.lines())
}

test('when the first process of a profile is killed, the second goes on by itself', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const owner = ada.start(['listen'])
  await ada.run(['contacts', 'add', ben.phone])
  const sending = ada.start(['send', ben.phone, '--batch'])
  await sending.untilStderr(/works through it/)
  const texts = Array.from({ length: 60 }, (_, index) => `line ${index}`)
  sending.write(`${texts.slice(0, 30).join('\n')}\n`)
  await sending.untilLines(5)
  owner.kill('SIGKILL')
  sending.endInput(`${texts.slice(30).join('\n')}\n`)
  const sent = await sending.finished
  expect([sent.status, sent.lines.length]).toEqual([0, texts.length])
  const heard = await ben.run(['listen', '--count', '60', '--timeout', '30'])
  expect(textsOf(heard.lines)).toEqual(texts)
})

test('a batch is sent in order, a line for each, and an empty line is none', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const stdin = 'one\n\ntwo\r\nthree'
  const batch = await ada.run(['send', ben.phone, '--batch'], { stdin })
  expect(batch.status).toBe(0)
  expect(batch.lines.map((line) => line['status'])).toEqual(['accepted', 'accepted', 'accepted'])
  const heard = await ben.run(['listen', '--count', '3', '--timeout', '30'])
  expect(textsOf(heard.lines)).toEqual(['one', 'two', 'three'])
  expect(heard.lines.map((line) => line['id'])).toEqual(batch.lines.map((line) => line['id']))
})

test('a line of a batch that is too long is reported in its place, and the others are sent', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const stdin = `one\n${'x'.repeat(65_537)}\nthree\n`
  const batch = await ada.run(['send', ben.phone, '--batch'], { stdin })
  expect(batch.status).toBe(1)
  expect(batch.lines.map((line) => line['status'])).toEqual(['accepted', 'failed', 'accepted'])
  const heard = await ben.run(['listen', '--count', '2', '--timeout', '30'])
  expect(textsOf(heard.lines)).toEqual(['one', 'three'])
})

test('an event that was not taken comes again after a crash, with the same id', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const sent = await ada.run(['send', ben.phone, 'important'])
  const first = ben.start(['listen'])
  await first.untilLines(1)
  first.kill('SIGKILL')
  await first.finished
  await ada.run(['send', ben.phone, 'the next one'])
  const second = await ben.run(['listen', '--count', '2', '--timeout', '3'])
  const ids = [...first.lines(), ...second.lines].map((line) => line['id'])
  expect(ids[0]).toBe(sent.lines[0]?.['id'])
  expect(new Set(ids).size).toBe(2)
})

test('listen says how many came when it was too few', async () => {
  await using ada = await Person.registered(server, 'Ada')
  const { status, stdout, stderr } = await ada.run(['listen', '--count', '1', '--timeout', '0.5'])
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toContain('Only 0 of 1 events came')
})

test('history pages backwards, oldest first within a page', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const texts = Array.from({ length: 25 }, (_, index) => `line ${index}`)
  await ada.run(['send', ben.phone, '--batch'], { stdin: texts.join('\n') })
  const newest = await ada.run(['history', ben.phone, '--limit', '10'])
  expect(newest.lines.map((line) => line['text'])).toEqual(texts.slice(15))
  expect(newest.lines[0]).toMatchObject({ from: ada.phone, conversation: ben.account })
  expect(newest.lines[0]?.['status']).toBe('accepted')
  const before = String(newest.lines[0]?.['id'])
  const older = await ada.run(['history', ben.phone, '--limit', '100', '--before', before])
  expect(older.lines.map((line) => line['text'])).toEqual(texts.slice(0, 15))
  const theirs = await ben.run(['history', ada.account, '--limit', '3'])
  expect(theirs.lines.map((line) => line['text'])).toEqual(texts.slice(22))
  expect(theirs.lines[0]).not.toHaveProperty('status')
  const unknown = await ada.run(['history', ben.phone, '--before', '0'.repeat(32)])
  expect(unknown.status).toBe(1)
})

test('chats and contacts show who is there, and both see one safety number', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const added = await ada.run(['contacts', 'add', ben.phone, '--name', 'Benny'])
  expect(added.lines[0]).toMatchObject({ account: ben.account, alias: ben.phone, name: 'Benny' })
  expect((await ada.run(['contacts'])).lines).toEqual(added.lines)
  await ada.run(['send', ben.phone, 'hello', '--wait', 'accepted'])
  const chats = await ben.run(['chats'])
  expect(chats.lines[0]).toMatchObject({ conversation: ada.account, preview: 'hello', unread: 1 })
  const mine = await ada.run(['safety-number', ben.phone])
  const theirs = await ben.run(['safety-number', ada.account])
  const digits = String(mine.lines[0]?.['safety_number']).replaceAll(/\s/g, '')
  expect(digits).toMatch(/^\d{60}$/)
  expect(String(theirs.lines[0]?.['safety_number']).replaceAll(/\s/g, '')).toBe(digits)
})

test('people read text without colours in a pipe, and nothing that steers a terminal', async () => {
  await using people = await couple()
  const { ada, ben } = people
  await ada.run(['send', ben.phone, 'red \u001b[31malert\u0007'])
  const { stdout } = await ben.run(['listen', '--count', '1', '--timeout', '30'], { json: false })
  expect(stdout).toContain('red \ufffd[31malert\ufffd')
  expect(stdout).not.toContain('\u001b')
})

test('the doctor finds nothing wrong, and says what is when the server is away', async () => {
  await using ada = await Person.registered(server, 'Ada')
  const well = await ada.run(['doctor'])
  expect([well.status, well.stderr]).toEqual([0, ''])
  expect(well.lines.length).toBeGreaterThan(3)
  expect(well.lines.every((line) => line['ok'] === true)).toBe(true)
  const away = await ada.run(['doctor'], { server: 'http://127.0.0.1:9' })
  expect(away.status).toBe(1)
  expect(away.lines.find((line) => line['check'] === 'server')?.['ok']).toBe(false)
})

test('logging out erases what was here, and ends the session at the server', async () => {
  await using ada = await Person.registered(server, 'Ada')
  const out = await ada.run(['logout'])
  expect([out.status, out.lines[0]]).toEqual([0, { account: ada.account, logged_out: true }])
  expect((await ada.run(['whoami'])).status).toBe(3)
})

test('[E1] with the recovery key an account comes back as it was, and the old profile is told', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const before = await ben.run(['safety-number', ada.phone])
  const key = String(ada.registration['recovery_key'])
  const environment = { PARLEY_PROFILE: 'new' }
  const options = ['--phone', ada.phone, '--code', '-', '--recovery-key', '-']
  const again = ada.start(['register', ...options], { environment })
  await again.untilStderr(/was sent/)
  again.endInput(`${await server.code(ada.phone)}\n${key}\n`)
  const { status, lines } = await again.finished
  expect([status, lines[0]?.['account'], lines[0]?.['recovery_key']]).toEqual([0, ada.account, ''])
  const old = await ada.run(['listen', '--timeout', '20'])
  expect(old.status).toBe(3)
  expect(old.stderr).toContain('no longer on its account')
  const after = await ben.run(['safety-number', ada.phone])
  expect(after.lines).toEqual(before.lines)
  expect((await ben.run(['send', ada.phone, 'welcome back'])).status).toBe(0)
  const heard = await ada.run(['listen', '--count', '1', '--timeout', '30'], { environment })
  expect(textsOf(heard.lines)).toEqual(['welcome back'])
})

test('[E1] after a number was compared, a new key stops sending until it is accepted', async () => {
  await using people = await couple()
  const { ada, ben } = people
  const before = await ben.run(['safety-number', ada.phone, '--verified'])
  expect(before.lines[0]).toMatchObject({ verified: true, changed: false })
  const environment = { PARLEY_PROFILE: 'new' }
  const again = ada.start(['register', '--phone', ada.phone, '--code', '-'], { environment })
  await again.untilStderr(/was sent/)
  again.endInput(`${await server.code(ada.phone)}\n`)
  const { lines } = await again.finished
  expect(lines[0]?.['account']).toBe(ada.account)
  expect(lines[0]?.['recovery_key']).not.toBe('')
  const held = await ben.run(['send', ada.phone, 'is it you?', '--timeout', '10'])
  expect(held.status).not.toBe(0)
  expect(held.stderr).toContain('parley safety-number TO --accept')
  const accepted = await ben.run(['safety-number', ada.phone, '--accept'])
  expect(accepted.lines[0]).toMatchObject({ verified: false, changed: false })
  expect(accepted.lines[0]?.['safety_number']).not.toBe(before.lines[0]?.['safety_number'])
  expect((await ben.run(['send', ada.phone, 'hello again'])).status).toBe(0)
  const heard = await ada.run(['listen', '--count', '1', '--timeout', '30'], { environment })
  expect(textsOf(heard.lines)[0]).toMatch(/is it you|hello again/)
})

test('a database that is damaged is said plainly, and left as it is', async () => {
  await using ada = await Person.registered(server, 'Ada')
  const path = join(ada.home, 'default', 'parley.db')
  writeFileSync(path, 'not a database, but long enough to be taken for one'.repeat(100))
  const { status, stderr } = await ada.run(['whoami'])
  expect(status).toBe(1)
  expect(stderr).toContain('The local database is damaged')
  expect(readFileSync(path, 'utf8')).toStartWith('not a database')
})

test('without a server a message waits in the outbox with status 4, and goes out with the next run', async () => {
  await using people = await couple()
  const { ada, ben } = people
  await ada.run(['contacts', 'add', ben.phone])
  const nowhere = { server: 'http://127.0.0.1:9' }
  const waiting = await ada.run(['send', ben.phone, 'first', '--timeout', '1'], nowhere)
  expect([waiting.status, waiting.lines[0]?.['status']]).toEqual([4, 'pending'])
  expect(waiting.stderr).toContain('stays in the outbox')
  const unknown = await ada.run(['send', newPhone(), 'hello', '--timeout', '1'], nowhere)
  expect(unknown.status).toBe(4)
  expect((await ada.run(['send', ben.phone, 'second'])).status).toBe(0)
  const heard = await ben.run(['listen', '--count', '2', '--timeout', '30'])
  expect(textsOf(heard.lines)).toEqual(['first', 'second'])
  expect(heard.lines[0]?.['id']).toBe(waiting.lines[0]?.['id'])
})

test('[I1, I2, I3] a server that is killed in the middle loses nothing and repeats nothing', async () => {
  const first = await serverProcess()
  await using stack = new AsyncDisposableStack()
  stack.use(first)
  const ada = stack.use(await Person.registered(first, 'Ada'))
  const ben = stack.use(await Person.registered(first, 'Ben'))
  await ada.run(['send', ben.phone, 'before'])
  const listening = ben.start(['listen'])
  await untilTexts(listening, 1)
  const texts = Array.from({ length: 200 }, (_, index) => `line ${index}`)
  const sending = ada.start(['send', ben.phone, '--batch'])
  sending.write(`${texts.slice(0, 100).join('\n')}\n`)
  await sending.untilLines(20)
  const second = stack.use(await crashAndRestart(first))
  sending.endInput(`${texts.slice(100).join('\n')}\n`)
  const sent = await sending.finished
  expect([sent.status, sent.lines.length]).toEqual([0, 200])
  const statuses = sent.lines.map((line) => String(line['status']))
  expect(statuses.filter((status) => !/^(accepted|delivered)$/.test(status))).toEqual([])
  const heard = await untilTexts(listening, 201)
  listening.kill('SIGTERM')
  await listening.finished
  expect(heard).toEqual(['before', ...texts])
  const history = await ben.run(['history', ada.account, '--limit', '300'])
  expect(history.lines.map((line) => line['text'])).toEqual(['before', ...texts])
  expect(second.url).toBe(first.url)
})
