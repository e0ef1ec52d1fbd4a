/**
 * A refusal that the client is told: a line of the wire's error table. Thrown by modules, answered
 * by http/.
 */
import { type ApiErrorCode, apiErrors } from '@parley/wire'

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  readonly retryAfterS: number | undefined

  /** `detail` says more than the table's sentence; it never quotes what the client sent. */
  constructor(code: ApiErrorCode, options: { detail?: string; retryAfterMs?: number } = {}) {
    super(options.detail ?? apiErrors[code].says)
    this.code = code
    const { retryAfterMs } = options
    this.retryAfterS = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000)
  }
}
