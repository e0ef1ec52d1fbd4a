/**
 * `npm run lock`: writes package-lock.json with `npm install`, then names in it the native builds
 * for platforms that the registry at hand does not offer. npm leaves those out, and `npm ci` then
 * refuses the lockfile everywhere. They carry no hash, since nobody here can fetch them; npm skips
 * them wherever os, cpu or libc do not fit.
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface LockedPackage {
  version?: string
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

const lockPath = 'package-lock.json'
const systems = ['darwin', 'linux', 'win32', 'android', 'freebsd', 'openharmony', 'wasi']
const processors = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x', 'wasm32']
const libraries = { musl: 'musl', gnu: 'glibc' }

/** What a native build's name says about where it runs, like `binding-linux-x64-musl`. */
export function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const os = systems.filter((system) => name.includes(system))
  const cpu = processors.find((processor) => new RegExp(`[-/]${processor}`).test(name))
  const libc = Object.entries(libraries).find(([suffix]) => new RegExp(`-${suffix}`).test(name))
  return {
    ...(os.length > 0 && { os }),
    ...(cpu !== undefined && { cpu: [cpu] }),
    ...(libc && { libc: [libc[1]] }),
  }
}

export function completed(packages: Record<string, LockedPackage>): Record<string, LockedPackage> {
  const complete = { ...packages }
  const known = (name: string) => {
    return Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`))
  }
  for (const { optionalDependencies = {} } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (known(name) || !/^\d/.test(version)) continue
      complete[`node_modules/${name}`] = { version, optional: true, ...platformOf(name) }
    }
  }
  return Object.fromEntries(Object.entries(complete).sort(([a], [b]) => (a < b ? -1 : 1)))
}

if (import.meta.main) {
  const install = Bun.spawnSync(['npm', 'install', '--package-lock-only'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (install.exitCode !== 0) process.exit(1)
  const lock = JSON.parse(readFileSync(lockPath, 'utf8')) as {
    packages: Record<string, LockedPackage>
  }
  lock.packages = completed(lock.packages)
  writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`)
}
