/**
 * Prints one-time codes where the operator of a development box sees them. Only wired while the
 * server listens on loopback.
 */
import type { Sms } from './sms.ts'

export function openConsoleSms(print: (line: string) => void): Sms {
  return {
    sendCode: async (phone, code) => print(`Code for ${phone}: ${code}`),
  }
}
