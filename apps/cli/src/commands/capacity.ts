/** `parley capacity`: nodes, memory, disk and bandwidth for so many users. */
import type { Command } from 'commander'
import { compareWithEstimate } from '../capacity/estimate.ts'
import { figureKeys, measure, parseFigures, readFigures } from '../capacity/figures.ts'
import { planFor, usualAssumptions } from '../capacity/model.ts'
import type { Assumptions, Bound, Figures, Plan } from '../capacity/model.ts'
import { examples } from '../cli.ts'
import type { Cli, MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'

interface Options {
  dau: string
  messages: string
  connected: string
  peak: string
  retention: string
  figures?: string
  estimate?: boolean
}

const usual = usualAssumptions
const boundSays: Readonly<Record<Bound, string>> = {
  messages: 'messages a second at the peak',
  memory: 'memory of connections',
  logins: `everybody back within ${usual.reconnectS} s of a restart`,
}

export function addCapacity(program: Command, makeCli: MakeCli): void {
  program
    .command('capacity')
    .description('how large a server so many users need, from figures measured on this box')
    .requiredOption('--dau <N>', 'users a day')
    .option('--messages <N>', 'messages a user and day', String(usual.messagesPerUser))
    .option(
      '--connected <SHARE>',
      'share of them that is connected at the peak',
      String(usual.connectedShare),
    )
    .option('--peak <N>', 'the busiest second against an average one', String(usual.peakFactor))
    .option('--retention <DAYS>', 'how long messages are kept', String(usual.retentionDays))
    .option('--figures <FILE>', 'instead of measuring: what the benchmark capacity printed')
    .option('--estimate', 'also compare the model with the estimate for 500 million users')
    .addHelpText(
      'after',
      examples(
        'parley capacity --dau 100000',
        'npm run bench -- capacity --json > box.json',
        'parley capacity --dau 2000000 --figures box.json --json',
      ),
    )
    .action(async (options: Options, command: Command) => {
      const cli = makeCli(command)
      const assumptions = assumptionsFrom(options)
      const figures = await figuresFor(cli, options)
      await showPlan(cli, assumptions, figures)
      if (options.estimate) await showEstimate(cli, figures)
    })
}

function assumptionsFrom(options: Options): Assumptions {
  return {
    dailyUsers: number('dau', options.dau, 1e10),
    messagesPerUser: number('messages', options.messages, 1e6),
    connectedShare: number('connected', options.connected, 1),
    peakFactor: number('peak', options.peak, 1_000),
    retentionDays: number('retention', options.retention, 36_500),
    reconnectS: usual.reconnectS,
  }
}

function number(name: string, text: string, most: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= most) return value
  const says = `--${name} takes a number above 0, at most ${most}, not "${text}".`
  throw new CliFailure(exitStatus.usage, says)
}

async function figuresFor(cli: Cli, { figures }: Options): Promise<Figures> {
  if (figures !== undefined) return readFigures(figures)
  cli.output.say('Measuring this box, about two minutes. Nothing else should run meanwhile.')
  return parseFigures(await measure(cli.stop, cli.output.quiet), 'The benchmark')
}

async function showPlan(cli: Cli, assumptions: Assumptions, figures: Figures): Promise<void> {
  const plan = planFor(assumptions, figures)
  await cli.output.data(rowOf(assumptions, plan, figures), textOf(cli, assumptions, plan, figures))
  if (plan.nodes === 1) return
  cli.output.say('One box does not do this, and this version runs on one box only.')
}

function rowOf(assumptions: Assumptions, plan: Plan, figures: Figures) {
  const { keepalive, messages } = plan.bandwidthMbitPerS
  return {
    dau: assumptions.dailyUsers,
    nodes: plan.nodes,
    bound_by: plan.boundBy,
    messages_per_day: plan.messagesPerDay,
    messages_per_s_average: rounded(plan.messagesPerSAverage),
    messages_per_s_peak: rounded(plan.messagesPerSPeak),
    connections_peak: plan.connections,
    server_cores_peak: rounded(plan.cores),
    memory_mb_per_node: rounded(plan.memoryMbPerNode),
    disk_gb_per_day: rounded(plan.diskGbPerDay),
    disk_gb: rounded(plan.diskGb),
    bandwidth_mbit_per_s: rounded(messages + keepalive),
    measured: measuredOf(figures),
  }
}

/** As the benchmark prints it, so that it can be given again. */
function measuredOf(figures: Figures): Record<string, number> {
  const names = Object.keys(figureKeys) as (keyof Figures)[]
  return Object.fromEntries(names.map((name) => [figureKeys[name], figures[name]]))
}

function textOf(cli: Cli, assumptions: Assumptions, plan: Plan, figures: Figures): string {
  const { faint } = cli.output
  const { keepalive, messages } = plan.bandwidthMbitPerS
  const of = (label: string, value: string, why: string) =>
    `${label.padEnd(12)} ${value.padEnd(18)} ${faint.call(cli.output, why)}`
  const box = `${figures.cores} cores and ${count(figures.memoryMb / 1024)} GB`
  const perNode = plan.nodes === 1 ? '' : ' on each node'
  const spare = plan.nodes === 1 ? '' : ', and one more so that any may fail'
  return [
    of('Users', `${count(assumptions.dailyUsers)} a day`, says(assumptions, plan)),
    of('Nodes', count(plan.nodes), `of ${box}; bound by ${boundSays[plan.boundBy]}${spare}`),
    of(
      'Processor',
      `${count(plan.cores)} cores`,
      `busy at the peak with ${count(plan.messagesPerSPeak)} messages a second, in all`,
    ),
    of(
      'Memory',
      `${count(plan.memoryMbPerNode)} MB`,
      `${count(figures.baseMb)} MB and ${count(figures.kbPerConnection)} KB a connection${perNode}; leave as much to the system`,
    ),
    of(
      'Disk',
      `${count(plan.diskGb)} GB`,
      `${assumptions.retentionDays} days of ${count(plan.diskGbPerDay)} GB; ${count(figures.diskBytesPerMessage)} bytes a message`,
    ),
    of(
      'Bandwidth',
      `${count(messages + keepalive)} Mbit/s`,
      `at the peak, ${count(keepalive)} of it to keep connections alive`,
    ),
  ].join('\n')
}

function says({ messagesPerUser }: Assumptions, plan: Plan): string {
  return `${count(messagesPerUser)} messages each; ${count(plan.connections)} connected at the peak`
}

async function showEstimate(cli: Cli, figures: Figures): Promise<void> {
  for (const { estimate, model, quantity, unit } of compareWithEstimate(figures)) {
    const text = `${quantity.padEnd(36)} ${`${count(estimate)} ${unit}`.padEnd(20)} ${count(model)} ${unit}`
    await cli.output.data({ quantity, unit, estimate, model: rounded(model) }, text.trimEnd())
  }
}

/** Three digits are more than a plan is good for. */
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

function count(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value > 0 && value < 0.01
    ? 'under 0.01'
    : value.toLocaleString('en', { maximumFractionDigits: digits })
}
