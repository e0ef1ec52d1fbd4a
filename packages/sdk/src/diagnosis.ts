/**
 * Self-examination for `doctor`: what works and what to do about what does not. Without secrets and
 * without content.
 */
import { oneTimePreKeysPerUpload } from '@parley/wire'
import type { Core } from './core.ts'
import type { Connection } from './connection/connection.ts'
import { asParleyError } from './problems.ts'
import { readAccount } from './store/account.ts'
import { readContacts } from './store/contacts.ts'
import { readDeviceList } from './store/device-lists.ts'
import { countOneTimePreKeys } from './store/prekeys.ts'
import { listedDevice } from './trust/devices.ts'
import type { DiagnosisLine } from './types.ts'

/** A whole batch is given out and never used only when somebody takes keys for nothing. */
const drainedFrom = oneTimePreKeysPerUpload

export async function diagnose(core: Core, connection: Connection): Promise<DiagnosisLine[]> {
  return [
    checkDatabase(core),
    checkAccount(core),
    await checkServer(core),
    checkConnection(connection),
    await checkPreKeys(core),
    checkLists(core),
    checkQueues(core),
  ]
}

function line(check: string, ok: boolean, says: string): DiagnosisLine {
  return { check, ok, says }
}

function checkDatabase({ store }: Core): DiagnosisLine {
  const result = store.one<{ quick_check: string }>('PRAGMA quick_check(1)')?.quick_check
  if (result === 'ok') return line('database', true, 'The local database is sound.')
  return line(
    'database',
    false,
    'The local database is damaged. Copy the profile folder away and register again.',
  )
}

function checkAccount({ store }: Core): DiagnosisLine {
  const account = readAccount(store)
  if (!account) return line('account', false, 'This profile is not registered. Register first.')
  const device = listedDevice(readDeviceList(store, account.account), account.device)
  if (account.status === 'revoked' || !device) {
    return line('account', false, 'This device is no longer on its account. Register again.')
  }
  return line('account', true, `Registered as ${account.phone}, device ${account.deviceNumber}.`)
}

async function checkServer({ api, serverClock }: Core): Promise<DiagnosisLine> {
  try {
    const { name, version } = await api.serverInfo()
    const offsetS = Math.round(serverClock.offsetMs() / 1_000)
    return line('server', true, `${name} ${version} answers; its clock differs by ${offsetS} s.`)
  } catch (error) {
    return line('server', false, asParleyError(error).problem.says)
  }
}

function checkConnection(connection: Connection): DiagnosisLine {
  const { status, problem } = connection.state.getSnapshot()
  if (problem) return line('connection', false, problem.says)
  return line('connection', true, `The connection is ${status}.`)
}

async function checkPreKeys({ api, store }: Core): Promise<DiagnosisLine> {
  if (readAccount(store)?.status !== 'registered') {
    return line('prekeys', true, 'There are none without an account.')
  }
  try {
    const { one_time_prekeys: curve, one_time_kyber_prekeys: kyber } = await api.preKeyCounts()
    const kept = countOneTimePreKeys(store)
    // E9: what the server does not have any more and nobody has begun a session with.
    const unused = Math.max(kept.curve - curve, kept.kyber - kyber)
    const left = `${curve} and ${kyber} one-time prekeys are left at the server`
    if (unused >= drainedFrom) {
      const says = `${left}; ${unused} were given out and no message came of them. Somebody may be using them up: messages stay readable to you alone, but tell whoever runs the server.`
      return line('prekeys', false, says)
    }
    return line('prekeys', curve > 0 && kyber > 0, `${left}.`)
  } catch (error) {
    return line('prekeys', false, asParleyError(error).problem.says)
  }
}

function checkLists({ store }: Core): DiagnosisLine {
  const bad = readContacts(store).filter((contact) => contact.listProblem !== '')
  const own = readAccount(store)
  const devices = own ? (readDeviceList(store, own.account)?.list.devices.length ?? 0) : 0
  if (bad.length === 0) return line('devices', true, `The account has ${devices} device.`)
  const [first] = bad
  return line(
    'devices',
    false,
    `The server shows device lists that do not fit what is known: ${first?.account}, ${first?.listProblem}. Compare safety numbers.`,
  )
}

function checkQueues({ store }: Core): DiagnosisLine {
  const count = (table: string) =>
    store.one<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)?.count ?? 0
  const unopened = count('unopened')
  const says = `${count('outbox')} wait to be sent, ${unopened} wait to be sent again by others.`
  return line('queues', unopened === 0, says)
}
