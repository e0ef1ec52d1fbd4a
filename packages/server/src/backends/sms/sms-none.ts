/** Refuses to send: a server that others can reach must not print codes, and has no SMS gateway. */
import type { Sms } from './sms.ts'

export const noSms: Sms = {
  sendCode: () => Promise.reject(new Error('no SMS gateway is configured')),
}
