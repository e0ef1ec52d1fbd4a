/**
 * Debian's packages of the servers that Parley is compared with: which are missing, how to install
 * them, and where their files are.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'

const installMs = 10 * 60_000
const policyFile = '/usr/sbin/policy-rc.d'

/** Of the packages given, those that are not installed. */
export function missingPackages(packages: readonly string[]): string[] {
  if (!Bun.which('dpkg-query')) return [...packages]
  return packages.filter((name) => {
    const { stdout } = Bun.spawnSync(['dpkg-query', '-W', '-f', '${Status}', name], {
      stderr: 'ignore',
    })
    return !stdout.toString().includes('install ok installed')
  })
}

/** The sentence for somebody whose machine lacks them. */
export function howToInstall(packages: readonly string[]): string {
  return `Install ${packages.length > 1 ? 'them' : 'it'} with: apt-get install --no-install-recommends ${packages.join(' ')}`
}

/**
 * Installs them as root, and keeps apt from starting the services that they bring: only the
 * private servers of the comparison are to run. Throws what apt says when it cannot.
 */
export async function installPackages(packages: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0 || !Bun.which('apt-get'))
    throw new Error(`Only root can install packages, on Debian. ${howToInstall(packages)}`)
  const ownPolicy = !existsSync(policyFile)
  if (ownPolicy) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await aptGet('update')
    await aptGet('install', '-y', '--no-install-recommends', ...packages)
  } finally {
    if (ownPolicy) rmSync(policyFile)
  }
}

async function aptGet(...order: string[]): Promise<void> {
  const child = Bun.spawn(['apt-get', '-qq', ...order], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    timeout: installMs,
  })
  const said = await new Response(child.stderr).text()
  if ((await child.exited) !== 0)
    throw new Error(`apt-get ${order[0]} failed: ${said.trim().slice(-500)}`)
}

/** Path of a file of an installed package; `pattern` as dpkg -S takes it. */
export function packageFile(pattern: string): string {
  const { stdout } = Bun.spawnSync(['dpkg', '-S', pattern], { stderr: 'ignore' })
  const first = stdout.toString().split('\n')[0] ?? ''
  const path = first.slice(first.indexOf(': ') + 2)
  if (path === '') throw new Error(`no installed package has a file ${pattern}`)
  return path
}

/** `23.01-1` and the like, for the table; undefined when it is not installed. */
export function packageVersion(name: string): string | undefined {
  if (!Bun.which('dpkg-query')) return undefined
  const { stdout, exitCode } = Bun.spawnSync(['dpkg-query', '-W', '-f', '${Version}', name], {
    stderr: 'ignore',
  })
  return exitCode === 0 ? stdout.toString() : undefined
}
