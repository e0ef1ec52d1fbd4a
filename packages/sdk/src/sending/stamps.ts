/**
 * Stamps order a 1:1 chat the same for both people: after everything seen in it (design: "Display
 * order").
 */
import { stampAheadMs } from '@parley/wire'

/**
 * For a message that is sealed for the first time: never at or below what the chat has, whatever
 * the clock of this device did meanwhile.
 */
export function nextStamp(serverNowMs: number, newestInChat: number): number {
  return Math.max(serverNowMs, newestInChat + 1)
}

/**
 * For a message whose stamp the gateway refused as too far ahead: a chat with a stamp from the far
 * future must not make its messages unsendable, so the server's word goes before the order.
 */
export function refusedStamp(serverTimeMs: number, newestInChat: number): number {
  return Math.min(nextStamp(serverTimeMs, newestInChat), serverTimeMs + stampAheadMs / 2)
}
