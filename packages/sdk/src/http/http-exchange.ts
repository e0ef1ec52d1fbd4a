/**
 * One request to the HTTP API and its answer, with a time limit and a bound on the size; the API's
 * errors become ApiFailure, everything else that goes wrong on the way `server-unreachable`.
 */
import { WireError } from '@parley/wire'
import { apiError } from './api-answers.ts'
import type { Parse } from './json.ts'
import type { Clock, Transport } from '../platform/ports.ts'
import { ApiFailure, parleyError } from '../problems.ts'

const answerMs = 20_000
const answerBytesMax = 4 * 1024 * 1024

export interface Exchange<T> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** From `/v1` on; parts from outside are escaped. */
  path: string
  body: unknown
  token: string | undefined
  parse: Parse<T>
}

export interface HttpOptions {
  server: string
  transport: Transport
  clock: Clock
}

export async function exchange<T>(options: HttpOptions, wanted: Exchange<T>): Promise<T> {
  const { status, body } = await answerOf(options, wanted)
  if (status < 400) return wanted.parse(status === 204 ? undefined : jsonOf(body))
  throw failureOf(options.server, status, body)
}

interface Answer {
  status: number
  body: string
}

async function answerOf(options: HttpOptions, wanted: Exchange<unknown>): Promise<Answer> {
  const { clock, server, transport } = options
  const abort = new AbortController()
  const tooLate = Promise.withResolvers<never>()
  const cancel = clock.after(answerMs, () => {
    abort.abort()
    tooLate.reject(new Error('no answer in time'))
  })
  const read = async (): Promise<Answer> => {
    const response = await transport.fetch(requestOf(server, wanted, abort.signal))
    return { status: response.status, body: await boundedText(response) }
  }
  try {
    return await Promise.race([read(), tooLate.promise])
  } catch (error) {
    if (error instanceof WireError) throw error
    throw unreachable(server, error)
  } finally {
    cancel()
  }
}

function requestOf(server: string, wanted: Exchange<unknown>, signal: AbortSignal): Request {
  const { body, method, path, token } = wanted
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  return new Request(`${server.replace(/\/$/, '')}${path}`, {
    method,
    headers,
    signal,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let read = 0
  let body = ''
  for await (const chunk of response.body ?? []) {
    read += chunk.length
    if (read > answerBytesMax) throw new WireError('the answer is too large')
    body += decoder.decode(chunk, { stream: true })
  }
  return body + decoder.decode()
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new WireError('the answer is not JSON')
  }
}

/** What is no error of Parley's own comes from something in between, or from another server. */
function failureOf(server: string, status: number, body: string): Error {
  let known: ReturnType<typeof apiError>
  try {
    known = apiError(jsonOf(body))
  } catch {
    const says = `What answers at ${server} is not Parley, or it is just starting (status ${status}). Check the address, then try again.`
    return parleyError('server-unreachable', undefined, says)
  }
  if (known.code) return new ApiFailure(known.code, known.retryAfterS)
  return new ApiFailure(status >= 500 ? 'unavailable' : 'invalid-request', known.retryAfterS)
}

function unreachable(server: string, cause: unknown): Error {
  const says = `Parley at ${server} does not answer. Is it running? Check the address and the network.`
  return parleyError('server-unreachable', cause, says)
}
