/**
 * The server's log of its own doings, on stderr: quiet on success, `error` means a bug. What could
 * name a person or let somebody in is removed by name here, and never passed in to begin with
 * (S14).
 */
import { destination, type DestinationStream, type Logger, pino } from 'pino'

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

const secretNames = ['phone', 'code', 'token', 'refresh_token', 'access_token', 'address', 'proof']
const stderr = 2

/** Writes to stderr unless given another place. */
export function openLogger(level: LogLevel, stream: DestinationStream = toStderr()): Logger {
  const paths = secretNames.flatMap((name) => [name, `*.${name}`])
  return pino({ level, base: null, redact: { paths, censor: '…' } }, stream)
}

function toStderr(): DestinationStream {
  return destination({ dest: stderr, sync: true })
}
