/** What most commands need first: somebody who is registered on the profile. */
import type { AccountState } from '@parley/sdk'
import { CliFailure, exitStatus } from './failure.ts'
import type { Settings } from './settings.ts'

type Registered = Extract<AccountState, { kind: 'registered' }>

/** Throws a CliFailure for anybody else. */
export function requireRegistered(account: AccountState, settings: Settings): Registered {
  if (account.kind === 'registered') return account
  const says =
    account.kind === 'revoked'
      ? 'This device is no longer on its account. Register again to go on.'
      : `Nobody is registered on the profile ${settings.profile}.`
  throw new CliFailure(exitStatus.notLoggedIn, `${says} Run: parley register --phone NUMBER`)
}
