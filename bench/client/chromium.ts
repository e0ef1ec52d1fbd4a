/**
 * The web app in Chromium with a profile on the disk: SQLite on OPFS in its worker. What is timed
 * is what a person sees, by the page's own clock, which begins with the navigation.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'
import { launchProfile } from '../../tests/browser/chromium.ts'
import type { Backlog, Crowd } from './crowd.ts'

const ticksPerSecond = 100
const patienceMs = 240_000
const lookEveryMs = 20
const askEveryMs = 100

interface Seen {
  wallMs: number
  /** Of all renderers, from their start. */
  cpuMs: number
  workerCpuMs: number
  pageCpuMs: number
}

/** Registers in a new profile, and gives the phone number's account. */
export async function registerInApp(
  folder: string,
  { server }: Crowd,
  phone: string,
): Promise<BrowserContext> {
  const context = await launchProfile(folder)
  context.setDefaultTimeout(patienceMs)
  const page = await pageOf(context)
  const goOn = () => page.getByRole('button', { name: 'Continue' }).click()
  await page.goto(server.url)
  await page.getByRole('textbox', { name: 'Phone number' }).fill(phone)
  await goOn()
  const code = page.getByRole('textbox', { name: 'Code' })
  await code.waitFor()
  await code.fill(await server.code(phone))
  await goOn()
  await page.getByRole('textbox', { name: 'Your name' }).fill('Reader')
  await goOn()
  await page.getByRole('button', { name: 'I have written it down' }).click()
  await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor()
  return context
}

/** Opens each chat and writes a word. */
export async function answerAll(context: BrowserContext, crowd: Crowd): Promise<void> {
  const page = await pageOf(context)
  for (const { name } of crowd.writers) {
    await page.getByRole('link', { name }).first().click()
    const composer = page.getByRole('textbox', { name: 'Message', exact: true })
    await composer.fill('hello')
    await composer.press('Enter')
    const bubble = page.getByRole('article').filter({ hasText: 'hello' })
    await bubble.getByRole('img', { name: /Delivered|Read/ }).waitFor()
  }
}

/** Until the list shows the last message of each chat. */
export function catchUpInApp(
  folder: string,
  url: string,
  { chats }: Pick<Backlog, 'chats'>,
): Promise<Seen> {
  return watched(folder, url, {
    what: `rows => ${JSON.stringify(chats.map((chat) => chat.last))}
      .every((last) => rows.some((row) => row.textContent.includes(last)))`,
  })
}

/** Until the list shows this many chats. */
export function firstScreenInApp(folder: string, url: string, count: number): Promise<Seen> {
  return watched(folder, url, { what: `rows => rows.length >= ${count}` })
}

/** `what`: a function of the rows of the chat list, as source: whether they show all of it. */
async function watched(folder: string, url: string, { what }: { what: string }): Promise<Seen> {
  const context = await launchProfile(folder)
  context.setDefaultTimeout(patienceMs)
  try {
    await context.addInitScript(watch(what))
    const page = await pageOf(context)
    await page.goto(url, { waitUntil: 'commit' })
    const wallMs = await shownAtMs(page)
    return { wallMs, ...rendererCpu(folder) }
  } finally {
    await context.close()
  }
}

/** Rejects when it takes too long. */
async function shownAtMs(page: Page): Promise<number> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += askEveryMs) {
    await Bun.sleep(askEveryMs)
    const atMs = await page.evaluate<number | undefined>('window.shownAtMs')
    if (atMs !== undefined) return atMs
  }
  throw new Error('the app does not show what it should')
}

/** Looks at the list now and then; what it sees was painted when the next frame has passed. */
function watch(what: string): string {
  return `{
    const isShown = ${what}
    const timer = setInterval(() => {
      const rows = [...document.querySelectorAll('nav[aria-label=Chats] li')]
      if (rows.length === 0 || !isShown(rows)) return
      clearInterval(timer)
      requestAnimationFrame(() => setTimeout(() => { window.shownAtMs = performance.now() }))
    }, ${lookEveryMs})
  }`
}

async function pageOf(context: BrowserContext): Promise<Page> {
  return context.pages()[0] ?? (await context.newPage())
}

/** From /proc: the threads of the renderers of the browser that has this profile. */
function rendererCpu(folder: string): Omit<Seen, 'wallMs'> {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const commands = new Map(processes.map((pid) => [pid, read(`/proc/${pid}/cmdline`)]))
  const isOurs = (pid: string): boolean => {
    if (commands.get(pid)?.includes(`--user-data-dir=${folder}`)) return true
    const parent = statOf(`/proc/${pid}`)?.parent
    return parent !== undefined && parent !== '0' && parent !== '1' && isOurs(parent)
  }
  const cpu = { cpuMs: 0, workerCpuMs: 0, pageCpuMs: 0 }
  for (const [pid, command] of commands) {
    if (!command.includes('--type=renderer') || !isOurs(pid)) continue
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const stat = statOf(`/proc/${pid}/task/${thread}`)
      if (!stat) continue
      cpu.cpuMs += stat.cpuMs
      if (stat.name.startsWith('DedicatedWorker')) cpu.workerCpuMs += stat.cpuMs
      if (thread === pid) cpu.pageCpuMs += stat.cpuMs
    }
  }
  return cpu
}

function statOf(path: string): { name: string; parent: string; cpuMs: number } | undefined {
  const stat = read(`${path}/stat`)
  const [name, end] = [
    stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    stat.lastIndexOf(')'),
  ]
  if (end < 0) return undefined
  const fields = stat.slice(end + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return { name, parent: fields[1] ?? '', cpuMs: (ticks * 1_000) / ticksPerSecond }
}

/** Empty for a process that has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
