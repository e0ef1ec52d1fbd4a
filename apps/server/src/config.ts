/**
 * Every setting of the server: flags, environment and the file of --config are read here, once, and
 * all mistakes are told at once. A flag wins over the environment, the environment over the file.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type { LogLevel } from '@parley/server'
import { z } from 'zod'

const flag = z.union([z.boolean(), z.enum(['true', 'false', '1', '0', ''])]).transform((value) => {
  return value === true || value === 'true' || value === '1'
})
const list = z
  .union([z.array(z.string()), z.string()])
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .transform((values) => values.map((value) => value.trim()).filter((value) => value !== ''))
const origin = z.string().refine((value) => URL.canParse(value) && new URL(value).origin === value)

interface Setting {
  schema: z.ZodType
  fallback: unknown
  /** What a right value is, for the error and for --help. */
  says: string
}

/** A setting `a_b` is `--a-b`, `PARLEY_A_B`, and `a_b = …` in the file. */
const settings = {
  port: {
    schema: z.coerce.number().int().min(0).max(65_535),
    fallback: 8080,
    says: 'TCP port to listen on; 0 takes a free one',
  },
  host: {
    schema: z.string().regex(/^.{1,255}$/s),
    fallback: '127.0.0.1',
    says: 'address to listen on',
  },
  data: {
    schema: z.string().regex(/./s),
    fallback: './data',
    says: 'folder that holds everything the server keeps',
  },
  name: {
    schema: z.string().regex(/^.{1,64}$/s),
    fallback: 'Parley',
    says: 'what clients show as the name of this server',
  },
  public_url: {
    schema: z.union([z.literal(''), origin]),
    fallback: '',
    says: 'address under which clients reach the server, like https://chat.example.org',
  },
  allowed_origins: {
    schema: list.pipe(z.array(origin)),
    fallback: [],
    says: 'other web addresses whose pages may connect, separated by commas',
  },
  trust_proxy: {
    schema: flag,
    fallback: false,
    says: 'true: requests come through a proxy that sets X-Forwarded-For',
  },
  default_country: {
    schema: z.union([z.literal(''), z.string().regex(/^[A-Z]{2}$/)]),
    fallback: '',
    says: 'country of numbers written without a country code, like DE',
  },
  log_level: {
    schema: z.enum(['silent', 'error', 'warn', 'info', 'debug']),
    fallback: 'warn',
    says: 'silent, error, warn, info or debug',
  },
  web_dir: {
    schema: z.string(),
    fallback: '',
    says: 'folder of a web app that is already built; empty: build it if needed',
  },
  retention_days: {
    // Clients tell their users of an undelivered message after 90 days; a shorter time here would
    // lose it unsaid (I1).
    schema: z.coerce.number().int().min(90).max(3_650),
    fallback: 90,
    says: 'days for which messages wait for devices that are away, 90 or more',
  },
  unlimited: {
    schema: flag,
    fallback: false,
    says: 'true: no rate limits, for benchmarks; only with a loopback host',
  },
} as const satisfies Record<string, Setting>

type Name = keyof typeof settings
const names = Object.keys(settings) as Name[]

export interface Config {
  port: number
  host: string
  dataFolder: string
  name: string
  publicUrl: string | undefined
  allowedOrigins: string[]
  trustProxy: boolean
  defaultCountry: string | undefined
  logLevel: LogLevel
  webFolder: string | undefined
  retentionDays: number
  unlimited: boolean
  /** Only this machine can reach the server. */
  loopback: boolean
}

/** What is wrong with the settings; the message has a line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

type Environment = Readonly<Record<string, string | undefined>>

/** Undefined when --help was asked for. Throws ConfigError. */
export function readConfig(argv: readonly string[], environment: Environment): Config | undefined {
  const { flags, file, help, problems } = readFlags(argv)
  if (help) return undefined
  const fromFile = readFile(file ?? environment.PARLEY_CONFIG, problems)
  const values: Partial<Record<Name, unknown>> = {}
  for (const name of names) {
    const { schema, fallback, says } = settings[name]
    const given = flags[name] ?? environment[variableOf(name)] ?? fromFile[name]
    const parsed = schema.safeParse(given ?? fallback)
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name}: ${says} (${flagOf(name)} or ${variableOf(name)})`)
  }
  if (problems.length === 0) return configOf(values as Values, problems)
  throw configError(problems)
}

type Values = { [N in Name]: z.output<(typeof settings)[N]['schema']> }

function configOf(values: Values, problems: string[]): Config {
  const loopback = isLoopback(values.host)
  if (values.unlimited && !loopback) {
    problems.push('unlimited: only with a loopback host, since anybody could flood the server')
  }
  if (problems.length > 0) throw configError(problems)
  return {
    port: values.port,
    host: values.host,
    dataFolder: resolve(values.data),
    name: values.name,
    publicUrl: values.public_url || undefined,
    allowedOrigins: values.allowed_origins,
    trustProxy: values.trust_proxy,
    defaultCountry: values.default_country || undefined,
    logLevel: values.log_level,
    webFolder: values.web_dir === '' ? undefined : resolve(values.web_dir),
    retentionDays: values.retention_days,
    unlimited: values.unlimited,
    loopback,
  }
}

function configError(problems: readonly string[]): ConfigError {
  return new ConfigError(`These settings must be mended:\n  ${problems.join('\n  ')}`)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function flagOf(name: Name): string {
  return `--${name.replaceAll('_', '-')}`
}

function variableOf(name: Name): string {
  return `PARLEY_${name.toUpperCase()}`
}

interface Flags {
  flags: Partial<Record<Name, string | boolean>>
  file: string | undefined
  help: boolean
  problems: string[]
}

function readFlags(argv: readonly string[]): Flags {
  const isSwitch = (name: Name) => settings[name].schema === flag
  const options: ParseArgsOptionsConfig = {
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  }
  for (const name of names) {
    options[flagOf(name).slice(2)] = { type: isSwitch(name) ? 'boolean' : 'string' }
  }
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: false })
    const values: Record<string, unknown> = parsed.values
    const flags: Partial<Record<Name, string | boolean>> = {}
    for (const name of names) {
      const value = values[flagOf(name).slice(2)]
      if (typeof value === 'string' || typeof value === 'boolean') flags[name] = value
    }
    const file = typeof values.config === 'string' ? values.config : undefined
    return { flags, file, help: values.help === true, problems: [] }
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error)
    return { flags: {}, file: undefined, help: false, problems: [`${says} See --help.`] }
  }
}

function readFile(path: string | undefined, problems: string[]): Partial<Record<Name, unknown>> {
  if (path === undefined) return {}
  try {
    const values = Bun.TOML.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    for (const key of Object.keys(values)) {
      if (!names.includes(key as Name)) problems.push(`${key}: no such setting (${path})`)
    }
    return values
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error)
    problems.push(`config: the file ${path} cannot be read as TOML: ${says}`)
    return {}
  }
}

/** The text of --help. */
export function describeSettings(): string {
  const rows = names.map((name) => {
    const { fallback, says } = settings[name]
    const shown = String(fallback) === '' ? '' : ` [${String(fallback)}]`
    return `  ${flagOf(name).padEnd(20)} ${variableOf(name).padEnd(24)} ${says}${shown}`
  })
  return [
    'Usage: parley serve [options]',
    '',
    'Runs the server and the web app. Every option is a flag, an environment variable, or a line',
    '`name = value` in a TOML file; a flag wins over the environment, the environment over the file.',
    '',
    ...rows,
    `  ${'--config'.padEnd(20)} ${'PARLEY_CONFIG'.padEnd(24)} TOML file with settings like port = 8080`,
    '',
    'Examples:',
    '  parley serve --port 9000 --data /var/lib/parley',
    '  PARLEY_PUBLIC_URL=https://chat.example.org PARLEY_TRUST_PROXY=true parley serve',
    '',
  ].join('\n')
}
