/**
 * Builds the web app before it is served, when what is built is missing or older than its sources.
 */
import { existsSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const repository = resolve(import.meta.dir, '../../..')
const webFolder = join(repository, 'apps/web')
const sources = ['apps/web', 'packages/sdk/src', 'packages/wire/src', 'packages/crypto/src']
const notSources = new Set(['dist', 'node_modules', 'test-results', '.cache'])

export const builtWebApp = join(webFolder, 'dist')

/** Resolves when the built web app is current, or cannot be made; then `say` tells why. */
export async function buildWebApp(say: (line: string) => void): Promise<void> {
  if (!existsSync(join(webFolder, 'index.html')) || (await isCurrent())) return
  say('Building the web app; this takes a few seconds…')
  const target = join(webFolder, `.cache/build-${process.pid}`)
  const build = Bun.spawn(
    [join(repository, 'node_modules/.bin/vite'), 'build', '--outDir', target, '--emptyOutDir'],
    {
      cwd: webFolder,
      env: { ...process.env, NO_COLOR: '1' },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
    },
  )
  const stopBuild = () => build.kill()
  process.once('exit', stopBuild)
  const [mistakes, exitCode] = await Promise.all([new Response(build.stderr).text(), build.exited])
  process.off('exit', stopBuild)
  if (exitCode === 0) return replaceBuilt(target)
  await rm(target, { recursive: true, force: true })
  const instead = existsSync(builtWebApp) ? 'an older one is served' : 'the server runs without it'
  say(`The web app could not be built; ${instead}.\n${mistakes.trim()}`)
}

/**
 * Another server may be doing the same: whoever comes second finds a folder that is as good as its
 * own.
 */
async function replaceBuilt(target: string): Promise<void> {
  const old = `${target}-old`
  if (existsSync(builtWebApp)) await rename(builtWebApp, old).catch(() => {})
  await rename(target, builtWebApp).catch(() => {})
  await rm(target, { recursive: true, force: true })
  await rm(old, { recursive: true, force: true })
}

async function isCurrent(): Promise<boolean> {
  const built = await modifiedMs(join(builtWebApp, 'index.html'))
  if (built === undefined) return false
  for (const source of sources) {
    if ((await newestMs(join(repository, source))) > built) return false
  }
  return true
}

async function modifiedMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs
  } catch {
    return undefined
  }
}

async function newestMs(folder: string): Promise<number> {
  let newest = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (notSources.has(entry.name) || /\.test\.tsx?$/.test(entry.name)) continue
    const path = join(folder, entry.name)
    const ms = entry.isDirectory() ? await newestMs(path) : ((await modifiedMs(path)) ?? 0)
    newest = Math.max(newest, ms)
  }
  return newest
}
