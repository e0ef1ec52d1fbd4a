/**
 * `npm run chaos`: real processes, sockets and disks under load and faults, and a verdict from the
 * recorded history.
 */
import { parseArgs } from 'node:util'
import { faultsIn } from './checker.ts'
import { countFsyncs, haveStrace } from './fsyncs.ts'
import { forget, run } from './run.ts'
import type { Outcome, Progress } from './run.ts'

const killsPerMinute = 200 / 60

const usage = `Usage: npm run chaos -- [options]

Runs the real server under load by real clients while it is killed, stopped, out of disk, off its
time and off the network, then proves from what everybody recorded that nothing was lost, doubled,
reordered or left undecryptable.

  --minutes M     how long in all (2)
  --kills K       of the server, by SIGKILL (as 200 an hour)
  --seed N        decides faults and load (1)
  --raw-rate R    messages a second of the clients that only speak frames (600)
  --sdk-rate R    messages a second of the clients that encrypt (200)
  --fsyncs        instead of a run: counts syncs against acknowledgements, with strace
  --keep          keeps the histories also when all is well
  --verbose       says each fault
  --json          one JSON object at the end

Ctrl-C ends the load; what follows, and the verdict, stay the same.
`

function wrongUsage(reason: string): never {
  process.stderr.write(`${reason}\n\n${usage}`)
  process.exit(2)
}

function parse() {
  try {
    return parseArgs({
      options: {
        minutes: { type: 'string', default: '2' },
        kills: { type: 'string' },
        seed: { type: 'string', default: '1' },
        'raw-rate': { type: 'string', default: '600' },
        'sdk-rate': { type: 'string', default: '200' },
        fsyncs: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

function number(name: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < least) {
    wrongUsage(`--${name} wants a number of at least ${least}, not ${text}.`)
  }
  return value
}

function whole(name: string, text: string): number {
  const value = number(name, text, 0)
  if (!Number.isSafeInteger(value)) wrongUsage(`--${name} wants a whole number, not ${text}.`)
  return value
}

const say = (line: string) => process.stderr.write(`${line}\n`)

/** One line that is written over on a terminal, and one a minute elsewhere. */
function showing(): (at: Progress) => void {
  const isTerminal = process.stderr.isTTY
  let shown = 0
  return ({ accepted, doing, kills, leftMs, received, sent }) => {
    const left = leftMs === undefined ? '' : `, ${Math.ceil(leftMs / 1_000)} s left at most`
    const line = `${doing}${left}: ${sent} sent, ${accepted} accepted, ${received} received, ${kills} kills`
    if (isTerminal) process.stderr.write(`\r\u001b[2K${line}`)
    else if (shown++ % 60 === 59) say(line)
  }
}

function summaryOf(seed: number, outcome: Outcome, isPartial: boolean) {
  const { crashes, disk, happened, met, minutes, restarts, settled, verdict } = outcome
  const { accepted, delivered, displayed, sent } = verdict
  const { duplicated, lost, reordered, undecryptable } = verdict
  return {
    ...{ seed, kills: happened.kill, sent, accepted, delivered, displayed },
    ...{ lost, duplicated, reordered, undecryptable },
    ...{ invented: verdict.invented, unaccepted: verdict.unaccepted, unended: verdict.unended },
    ...{ crashes, restarts, settled, partial: isPartial, minutes: Number(minutes.toFixed(2)) },
    ...{ pauses: happened.pause, full_disks: happened['full-disk'], disk },
    ...{ clock_steps: happened.clock, client_kills: happened['kill-client'] },
    ...{ cut: met.cut, half_open: met.half_open, mutilated: met.mutilated },
  }
}

/** The exit status. */
async function showFsyncs(): Promise<number> {
  if (!(await haveStrace(say))) {
    say('There is no strace. Install the package strace, and try again.')
    return 1
  }
  const verdict = await countFsyncs(undefined)
  const { accepted_frames, early, fsyncs, messages, untraced } = verdict
  const text = `${messages} messages, ${accepted_frames} Accepted, ${fsyncs} syncs of the log before them; ${early} left early, ${untraced} not in the trace`
  process.stdout.write(`${values.json ? JSON.stringify(verdict) : text}\n`)
  return early + untraced === 0 && messages > 0 ? 0 : 1
}

const values = parse()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
if (values.fsyncs) process.exit(await showFsyncs())
const minutes = number('minutes', values.minutes, 0.5)
const seed = whole('seed', values.seed)
const kills = values.kills === undefined ? undefined : whole('kills', values.kills)
const stop = new AbortController()
process.on('SIGINT', () => {
  if (stop.signal.aborted) return
  stop.abort()
  say('\nStopping the load; the verdict comes when everything has come through.')
})
const outcome = await run({
  seed,
  minutes,
  kills: kills ?? Math.ceil(minutes * killsPerMinute),
  rates: {
    raw: number('raw-rate', values['raw-rate'], 0),
    sdk: number('sdk-rate', values['sdk-rate'], 0),
  },
  stop: stop.signal,
  preload: undefined,
  settleMsMax: undefined,
  tell: values.verbose ? say : () => {},
  progress: showing(),
})
if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
const summary = summaryOf(seed, outcome, stop.signal.aborted)
for (const finding of outcome.verdict.findings) say(finding)
const isWell = faultsIn(outcome.verdict) === 0 && outcome.crashes === 0
if (isWell && !values.keep) forget(outcome)
else say(`The histories are in ${outcome.folder}`)
if (values.json) {
  process.stdout.write(`${JSON.stringify(summary)}\n`)
} else {
  for (const [key, value] of Object.entries(summary)) {
    process.stdout.write(`${key.padEnd(14)} ${value}\n`)
  }
  process.stdout.write(isWell ? 'Nothing lost.\n' : 'Something is wrong.\n')
}
process.exit(isWell ? 0 : 1)
