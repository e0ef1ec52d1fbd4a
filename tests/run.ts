/**
 * `npm test`: every suite, one after another, each in a process of its own and with a line `N
 * passed, N failed` at its end. Gets what a suite needs first: Chromium from Debian when it is not
 * there; the oracle is installed by its own suite.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const bun = join(root, 'node_modules/.bin/bun')

interface Suite {
  name: string
  /** For `bun test`. */
  paths: readonly string[]
  /** Files that know nothing of each other, on all cores at once. */
  parallel?: boolean
  needsChromium: boolean
  timeoutMs: number
}

interface Count {
  passed: number
  failed: number
}

const minuteMs = 60_000
/** For one test: long enough for a busy machine, short enough to find what hangs. */
const testMs = 60_000

const suites: readonly Suite[] = [
  {
    name: 'unit and contract',
    paths: ['packages', 'apps', 'tools', 'bench'],
    parallel: true,
    needsChromium: false,
    timeoutMs: 10 * minuteMs,
  },
  { name: 'interop', paths: ['tests/interop'], needsChromium: true, timeoutMs: 15 * minuteMs },
  { name: 'fuzz', paths: ['tests/fuzz'], needsChromium: false, timeoutMs: 10 * minuteMs },
  { name: 'simulation', paths: ['tests/sim'], needsChromium: false, timeoutMs: 15 * minuteMs },
  {
    name: 'adversary',
    paths: ['tests/adversary'],
    needsChromium: false,
    timeoutMs: 10 * minuteMs,
  },
  { name: 'access', paths: ['tests/access'], needsChromium: false, timeoutMs: 10 * minuteMs },
  { name: 'mutants', paths: ['tests/mutants'], needsChromium: false, timeoutMs: 5 * minuteMs },
  { name: 'chaos', paths: ['tests/chaos'], needsChromium: false, timeoutMs: 15 * minuteMs },
  { name: 'end to end', paths: ['tests/e2e'], needsChromium: false, timeoutMs: 15 * minuteMs },
  { name: 'browser', paths: ['tests/browser'], needsChromium: true, timeoutMs: 20 * minuteMs },
]

async function runSuite(suite: Suite): Promise<Count> {
  if (suite.needsChromium && !(await haveChromium())) return { passed: 0, failed: 1 }
  // A path without ./ is a pattern, and would find folders of that name anywhere.
  const paths = suite.paths.map((path) => `./${path}`)
  const flags = [
    '--only-failures',
    `--timeout=${testMs}`,
    ...(suite.parallel ? ['--parallel'] : []),
  ]
  const child = Bun.spawn([bun, 'test', ...flags, ...paths], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: suite.timeoutMs,
    killSignal: 'SIGKILL',
  })
  const output = (await Promise.all([passOn(child.stdout), passOn(child.stderr)])).join('\n')
  const exitCode = await child.exited
  if (child.signalCode) console.log(`Stopped after ${suite.timeoutMs / minuteMs} minutes.`)
  const passed = Number(/^\s*(\d+) pass$/m.exec(output)?.[1] ?? 0)
  const failed = Number(/^\s*(\d+) fail$/m.exec(output)?.[1] ?? 0)
  const broken = exitCode !== 0 || passed === 0
  return { passed, failed: broken ? Math.max(failed, 1) : failed }
}

/** Shows the output as it comes and returns it; the end is enough for the counts. */
async function passOn(stream: ReadableStream<Uint8Array>): Promise<string> {
  const charactersKept = 10_000
  const decoder = new TextDecoder()
  let end = ''
  for await (const chunk of stream) {
    process.stdout.write(chunk)
    end = (end + decoder.decode(chunk, { stream: true })).slice(-charactersKept)
  }
  return end
}

async function haveChromium(): Promise<boolean> {
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const found = () =>
    process.env.PARLEY_CHROMIUM ?? names.map((name) => Bun.which(name)).find(Boolean)
  if (found()) return true
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium from Debian')
    await aptGet('update')
    await aptGet('install', '-y', '--no-install-recommends', 'chromium')
  }
  if (found()) return true
  console.log('No Chromium. Install the package chromium, or name the program in PARLEY_CHROMIUM.')
  return false
}

async function aptGet(...options: string[]): Promise<void> {
  const child = Bun.spawn(['apt-get', '-qq', ...options], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  })
  await child.exited
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name))
if (unknown.length > 0) {
  console.error(
    `No suite ${unknown.join(', ')}. There are: ${suites.map(({ name }) => name).join(', ')}.`,
  )
  process.exit(2)
}

const total: Count = { passed: 0, failed: 0 }
for (const suite of suites) {
  if (wanted.length > 0 && !wanted.includes(suite.name)) continue
  const start = performance.now()
  console.log(`\n== ${suite.name}`)
  const { passed, failed } = await runSuite(suite)
  total.passed += passed
  total.failed += failed
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(`${suite.name}: ${passed} passed, ${failed} failed (${seconds} s)`)
}
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)
