/** Stamps order a 1:1 chat the same for both people: after everything seen in it, and not ahead of the server's clock. */
import { stampAheadMs } from '@parley/wire'

/** A peer whose stamps run ahead must not push ours over what the gateway takes; then the clock alone counts. */
export function nextStamp(serverNowMs: number, newestInChat: number): number {
  const after = newestInChat + 1
  const tolerableMs = serverNowMs + stampAheadMs / 2
  return after > serverNowMs && after <= tolerableMs ? after : serverNowMs
}
