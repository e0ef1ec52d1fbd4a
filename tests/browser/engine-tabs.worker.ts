/** The engine's worker as the web app has it. */
import { runEngine } from '../../packages/sdk/src/rpc/worker.browser.ts'

void runEngine({
  server: (globalThis as unknown as { location: { origin: string } }).location.origin,
})
