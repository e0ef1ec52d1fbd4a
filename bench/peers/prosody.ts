/**
 * Prosody (Debian's package) as a peer: started by hand with a configuration and a folder of its
 * own; epoll, no TLS, no limits. Its archive writes two rows for each message, one for each side;
 * receipts ask not to be kept, so that it stores what ejabberd stores.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Subprocess } from 'bun'
import { xmpp } from '../load/xmpp.ts'
import { xmppHost, xmppPassword, xmppUser } from '../load/xmpp-stanzas.ts'
import type { KillablePeer } from './killable.ts'
import { endProcess, freePort, startServer, treeCpuSeconds, treeResidentKib } from './processes.ts'
import type { XmppPeerOptions } from './xmpp-peer.ts'

/** `internal`: a file for each user, not synced; `sqlite`: through LuaDBI, rollback journal. */
export type ProsodyStore = 'internal' | 'sqlite'

export const prosodyPackages: Readonly<Record<ProsodyStore, readonly string[]>> = {
  internal: ['prosody'],
  sqlite: ['prosody', 'lua-dbi-sqlite3'],
}

export async function startProsody(
  store: ProsodyStore,
  options: XmppPeerOptions,
): Promise<KillablePeer> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-prosody-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  writeAccounts(join(folder, 'data', xmppHost, 'accounts'), options.users)
  const settings = join(folder, 'prosody.cfg.lua')
  writeFileSync(settings, configuration(store, options, { folder, port }))
  let server = await launch({ folder, port, settings })
  opened.defer(() => endProcess(server, 'SIGKILL'))
  const protocol = xmpp(port, { asks: options.asks, receiptsKept: !options.archives })
  const kept = opened.move()
  return {
    name: `prosody-${store}`,
    durable: store === 'sqlite',
    stores: true,
    port,
    protocol,
    cpuSeconds: () => treeCpuSeconds(server.pid),
    residentKib: () => treeResidentKib(server.pid),
    kill: () => endProcess(server, 'SIGKILL'),
    async restart() {
      server = await launch({ folder, port, settings })
      return { protocol, readArchive: protocol.readArchive }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

interface Place {
  folder: string
  port: number
  settings: string
}

function launch({ folder, port, settings }: Place): Promise<Subprocess> {
  const program = Bun.which('prosody') ?? '/usr/bin/prosody'
  const command = ['lua5.4', program, '-F', '--config', settings]
  return startServer({ folder, ports: [port], command, environment: {} })
}

/** What `prosodyctl adduser` would write with plain passwords. */
function writeAccounts(folder: string, users: number): void {
  mkdirSync(folder, { recursive: true })
  for (let user = 0; user < users; user++) {
    const file = join(folder, `${xmppUser(user)}.dat`)
    writeFileSync(file, `return { ["password"] = "${xmppPassword}"; };\n`)
  }
}

const configuration = (
  store: ProsodyStore,
  options: XmppPeerOptions,
  place: { folder: string; port: number },
) => {
  const usual = ['roster', 'saslauth', 'disco', 'ping', 'offline', 'smacks']
  const modules = options.archives ? [...usual, 'mam'] : usual
  const tables = store === 'sqlite' ? 'archive = "sql"; offline = "sql"' : ''
  return `run_as_root = true
daemonize = false
data_path = "${place.folder}/data"
pidfile = "${place.folder}/prosody.pid"
interfaces = { "127.0.0.1" }
c2s_ports = { ${place.port} }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
modules_enabled = { ${modules.map((name) => `"${name}"`).join(', ')} }
modules_disabled = { "s2s", "tls" }
network_settings = { read_timeout = 86400; tcp_backlog = 16384 }
archive_expires_after = "never"
default_archive_policy = true
storage_archive_item_limit = 100000000
smacks_max_queue_size = 1000000
log = { warn = "${place.folder}/prosody.log" }
storage = { ${tables} }
sql = { driver = "SQLite3"; database = "prosody.sqlite" }
VirtualHost "${xmppHost}"
`
}
