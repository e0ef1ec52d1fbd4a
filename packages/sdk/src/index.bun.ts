/** A client under Bun, and the ports that it is made of. */
export { openBunClient, type BunClientOptions } from './client.bun.ts'
export { systemClock } from './platform/clock.ts'
export { systemRandom } from './platform/random.ts'
export { bunTransport } from './platform/transport.bun.ts'
export { openBunDriver } from './store/sqlite.bun.ts'
