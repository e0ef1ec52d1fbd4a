/**
 * A private PostgreSQL cluster in a temporary folder, for peers that keep their data in one: TCP on
 * loopback, no password, every commit synced.
 */
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Subprocess } from 'bun'
import { packageFile } from './debian.ts'
import { endProcess, freePort, processTree, startServer } from './processes.ts'

const commandMs = 120_000
const settings = (port: number) => `
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
shared_buffers = 256MB
max_connections = 200
fsync = on
synchronous_commit = on
`

export interface Postgres extends AsyncDisposable {
  readonly port: number
  /** The postmaster: all others descend from it. */
  pid(): number
  start(): Promise<void>
  /** SIGKILL to all its processes. */
  kill(): Promise<void>
  /** Runs statements in a database; returns what psql prints. */
  query(database: string, statements: string): string
}

/** Makes the cluster; `start` starts it. PostgreSQL refuses root, so root runs it as its user. */
export async function makePostgres(): Promise<Postgres> {
  const programs = dirname(packageFile('*/bin/initdb'))
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-postgres-'))
  const cluster = join(folder, 'cluster')
  const port = await freePort()
  const isRoot = process.getuid?.() === 0
  const user = 'setpriv --reuid postgres --regid postgres --init-groups --pdeathsig KILL'.split(' ')
  const asUser = (...command: string[]) => (isRoot ? [...user, ...command] : command)
  const run = (command: string[], input = '') => runToEnd(command, folder, input)
  if (isRoot) chownSync(folder, Number(run(['id', '-u', 'postgres'])), -1)
  const settled = ['--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']
  run(asUser(join(programs, 'initdb'), '-D', cluster, '-U', 'postgres', '-A', 'trust', ...settled))
  writeFileSync(join(cluster, 'postgresql.auto.conf'), settings(port))
  const login = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres']
  const psql = [join(programs, 'psql'), '-qAtX', '-v', 'ON_ERROR_STOP=1', ...login]
  const query = (database: string, statements: string) =>
    run([...psql, '-d', database], statements).trim()

  let server: Subprocess | undefined
  return {
    port,
    pid: () => server?.pid ?? 0,
    query,
    async start() {
      const command = asUser(join(programs, 'postgres'), '-D', cluster)
      server = await startServer({ folder, ports: [port], command, environment: {} })
      await untilItAnswers(() => query('postgres', 'select 1'))
    },
    async kill() {
      if (!server) return
      for (const pid of processTree(server.pid)) killQuietly(pid)
      await server.exited
    },
    async [Symbol.asyncDispose]() {
      if (server) await endProcess(server, 'SIGQUIT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** It listens before it serves: during the recovery of its journal it turns everybody away. */
async function untilItAnswers(ask: () => unknown): Promise<void> {
  const attempts = 600
  for (let attempt = 1; ; attempt++) {
    try {
      ask()
      return
    } catch (error) {
      if (attempt === attempts) throw error
      await Bun.sleep(50)
    }
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile, with the one that was killed before.
  }
}

function runToEnd(command: string[], folder: string, input: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd: folder,
    stdin: Buffer.from(input),
    timeout: commandMs,
  })
  if (exitCode !== 0) throw new Error(`${command.join(' ')} failed: ${stderr.toString().trim()}`)
  return stdout.toString()
}
