/** All targets, in the order in which they are run. */
import type { Target } from './target.ts'
import { appTargets } from './targets/apps.ts'
import { cryptoFormTargets } from './targets/crypto-forms.ts'
import { cryptoGroupTargets } from './targets/crypto-groups.ts'
import { cryptoSessionTargets } from './targets/crypto-sessions.ts'
import { engineTargets } from './targets/engine.ts'
import { sdkTargets } from './targets/sdk.ts'
import { serverTargets } from './targets/server.ts'
import { wireTargets } from './targets/wire.ts'

export const targets: readonly Target[] = [
  ...wireTargets,
  ...cryptoFormTargets,
  ...cryptoSessionTargets,
  ...cryptoGroupTargets,
  ...sdkTargets,
  ...engineTargets,
  ...serverTargets,
  ...appTargets,
]
