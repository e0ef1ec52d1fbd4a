/**
 * ejabberd (Debian's package) as a peer: started by hand with a configuration and a Mnesia folder
 * of its own; no TLS, no shapers, no distribution, the modules that the load needs. Its archive
 * writes two rows for each message, one for each side, and none for receipts.
 */
import { Database } from 'bun:sqlite'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Subprocess } from 'bun'
import { inParallel } from '../load/measure.ts'
import { xmpp } from '../load/xmpp.ts'
import { xmppHost, xmppPassword, xmppUser } from '../load/xmpp-stanzas.ts'
import { packageFile } from './debian.ts'
import type { KillablePeer } from './killable.ts'
import { makePostgres } from './postgres.ts'
import type { Postgres } from './postgres.ts'
import { endProcess, freePort, startServer, treeCpuSeconds, treeResidentKib } from './processes.ts'
import type { XmppPeerOptions } from './xmpp-peer.ts'

/**
 * `sqlite`: as WAL, set before the start, which spares it six of eight syncs for each message;
 * `pgsql`: PostgreSQL with a pool of ten; `mnesia`: its own store, which syncs nothing.
 */
export type EjabberdStore = 'sqlite' | 'pgsql' | 'mnesia'

export const ejabberdPackages: Readonly<Record<EjabberdStore, readonly string[]>> = {
  sqlite: ['ejabberd', 'erlang-p1-sqlite3'],
  pgsql: ['ejabberd', 'erlang-p1-pgsql', 'postgresql'],
  mnesia: ['ejabberd'],
}

const poolSize = 10
const registrationsAtOnce = 16
const requestMs = 30_000
/** Busy waiting burns CPU without doing work, and CPU for each message is what is compared. */
const machineFlags = '+K true +P 500000 +sbwt none +sbwtdcpu none +sbwtdio none'
const mnesiaFlags = '-mnesia dump_log_write_threshold 50000 dc_dump_limit 40 dir'

interface Place {
  folder: string
  port: number
  apiPort: number
  sqliteFile: string
  postgres: Postgres | undefined
}

export async function startEjabberd(
  store: EjabberdStore,
  options: XmppPeerOptions,
): Promise<KillablePeer> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-ejabberd-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const place: Place = {
    folder,
    port: await freePort(),
    apiPort: await freePort(),
    sqliteFile: join(folder, 'ejabberd.sqlite'),
    postgres: store === 'pgsql' ? opened.use(await makePostgres()) : undefined,
  }
  const { postgres } = place
  mkdirSync(join(folder, 'spool'))
  if (store === 'sqlite') makeSqlite(place.sqliteFile)
  if (postgres) {
    await postgres.start()
    postgres.query('postgres', 'create database ejabberd')
    postgres.query('ejabberd', readFileSync(packageFile('*/sql/pg.sql'), 'utf8'))
  }
  writeFileSync(join(folder, 'ejabberd.yml'), configuration(store, options, place))
  let server = await launch(place)
  opened.defer(() => endProcess(server, 'SIGKILL'))
  await register(place.apiPort, options.users)
  const roots = () => [server.pid, ...(postgres ? [postgres.pid()] : [])]
  const sum = (of: (root: number) => number) => roots().reduce((all, root) => all + of(root), 0)
  const protocol = xmpp(place.port, { asks: options.asks, receiptsKept: true })
  const kept = opened.move()
  return {
    name: `ejabberd-${store}`,
    durable: store !== 'mnesia',
    stores: true,
    port: place.port,
    protocol,
    cpuSeconds: () => sum(treeCpuSeconds),
    residentKib: () => sum(treeResidentKib),
    async kill() {
      await Promise.all([endProcess(server, 'SIGKILL'), postgres?.kill()])
    },
    async restart() {
      await postgres?.start()
      server = await launch(place)
      return { protocol, readArchive: protocol.readArchive }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Where the package put its libraries: the line that its own start script uses. */
function libraries(): string {
  const script = readFileSync(Bun.which('ejabberdctl') ?? '/usr/sbin/ejabberdctl', 'utf8')
  const path = /^ERL_LIBS='?([^'\n]+)/m.exec(script)?.[1]
  if (path === undefined) throw new Error('ejabberdctl does not say where its libraries are')
  return path
}

function makeSqlite(file: string): void {
  const database = new Database(file, { create: true })
  database.run('pragma journal_mode = wal')
  database.run(readFileSync(packageFile('*/ejabberd/sql/lite.sql'), 'utf8'))
  database.close()
}

function launch({ folder, port, apiPort }: Place): Promise<Subprocess> {
  const quoted = (name: string) => `"${join(folder, name)}"`
  const files = ['config', quoted('ejabberd.yml'), 'log_path', quoted('ejabberd.log')]
  const mnesia = [...mnesiaFlags.split(' '), quoted('spool')]
  const flags = ['-noinput', ...machineFlags.split(' '), ...mnesia, '-ejabberd', ...files]
  return startServer({
    folder,
    ports: [port, apiPort],
    command: ['erl', ...flags, '-s', 'ejabberd'],
    environment: { ERL_LIBS: libraries(), ERL_CRASH_DUMP_SECONDS: '0' },
  })
}

async function register(apiPort: number, users: number): Promise<void> {
  const all = Array.from({ length: users }, (_, user) => user)
  await inParallel(all, registrationsAtOnce, async (user) => {
    const response = await fetch(`http://127.0.0.1:${apiPort}/api/register`, {
      method: 'POST',
      body: JSON.stringify({ user: xmppUser(user), host: xmppHost, password: xmppPassword }),
      signal: AbortSignal.timeout(requestMs),
    })
    if (response.status !== 200)
      throw new Error(`ejabberd does not register: ${await response.text()}`)
    await response.arrayBuffer()
  })
}

function storeSettings(place: Place): string {
  if (place.postgres)
    return `sql_type: pgsql
sql_server: 127.0.0.1
sql_port: ${place.postgres.port}
sql_database: ejabberd
sql_username: postgres
sql_password: ""
sql_pool_size: ${poolSize}`
  return `sql_type: sqlite
sql_database: "${place.sqliteFile}"
sql_pool_size: 1`
}

const configuration = (store: EjabberdStore, options: XmppPeerOptions, place: Place) => {
  const tables = store === 'mnesia' ? 'mnesia' : 'sql'
  const archive = options.archives
    ? `mod_mam: {db_type: ${tables}, default: always, compress_xml: false}`
    : ''
  return `hosts: [${xmppHost}]
loglevel: error
${store === 'mnesia' ? '' : storeSettings(place)}
listen:
  - port: ${place.port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls: false
    zlib: false
    access: all
    shaper: none
    max_stanza_size: infinity
    max_fsm_queue: 1000000
    backlog: 16384
  - port: ${place.apiPort}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers: {/api: mod_http_api}
api_permissions:
  "bench": {from: [mod_http_api], who: {ip: 127.0.0.0/8}, what: "*"}
auth_method: internal
auth_password_format: plain
disable_sasl_mechanisms: ["digest-md5", "x-oauth2"]
max_fsm_queue: 1000000
negotiation_timeout: 300 seconds
shaper_rules: {big: 1000000}
modules:
  mod_roster: {db_type: mnesia}
  mod_offline: {db_type: ${tables}, access_max_user_messages: big}
  mod_ping: {}
  mod_stream_mgmt: {max_ack_queue: infinity, ack_timeout: infinity, resend_on_timeout: false}
  ${archive}
`
}
