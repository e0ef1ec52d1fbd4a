/** Somebody who takes the one-time prekeys of a device and begins nothing with them. */
import type { TestServer } from '@parley/testkit'
import type { BundleJson } from '@parley/wire'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { engineOn } from '../../packages/sdk/src/testing/test-engine.ts'
import { register } from '../../packages/sdk/src/testing/test-people.ts'
import type { Person } from '../../packages/sdk/src/testing/test-people.ts'

/** The bundles that were taken. */
export async function drain(
  server: TestServer,
  victim: Person,
  count: number,
): Promise<BundleJson[]> {
  const device = deviceOf(victim)
  const attacker = await register(server, 'Mallory')
  await attacker.client[Symbol.asyncDispose]()
  const engine = engineOn(openBunDriver(attacker.database), server.url)
  const bundles: BundleJson[] = []
  for (let taken = 0; taken < count; taken++) {
    bundles.push(...(await engine.core.api.bundles(victim.account, [device])))
  }
  await engine.end()
  return bundles
}

export function deviceOf({ client }: Person) {
  const account = client.account.getSnapshot()
  if (account.kind !== 'registered') throw new Error('not registered')
  return account.device
}
