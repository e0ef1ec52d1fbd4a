/**
 * What registering knows between its steps. What was typed stays through every error and every step
 * back.
 */
import { useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import { useAccount } from '../../client/queries.ts'
import type { AccountState, RegistrationStep } from '../../client/types.ts'
import { keepStorage } from '../../platform/storage.ts'
import { useWindowState } from '../../state/window-state.ts'
import { homeCountry } from '../../text/use-phone-numbers.ts'

export type Stage = 'phone' | 'code' | 'name' | 'recovery-key'

/** What people write. */
export interface Typed {
  phone: string
  country: string
  code: string
  name: string
  recoveryKey: string
}

const aboutTheCode = new Set(['wrong-code', 'code-expired'])

export function useRegistration() {
  const client = useClient()
  const account = useAccount()
  /** The device was taken off its account: its chats stay, and what was not sent goes out later. */
  const isAgain = account?.kind === 'revoked'
  const setEnrolling = useWindowState((state) => state.setEnrolling)
  const [stage, setStage] = useState<Stage>('phone')
  const [typed, setTyped] = useState<Typed>(() => firstTyped(account))
  const [step, setStep] = useState<RegistrationStep | undefined>(undefined)
  const [newKey, setNewKey] = useState('')
  const [busy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<string | undefined>(undefined)

  const finish = async (registration: string) => {
    setBusy(true)
    setRefusal(undefined)
    setEnrolling(true)
    try {
      // It is shown in groups, and may be typed so.
      const recoveryKey = typed.recoveryKey.replace(/\s/g, '') || undefined
      const { code, name } = typed
      const input = { registration, code, name: name.trim(), recoveryKey }
      const registered = await client.finishRegistration(input)
      void keepStorage()
      setNewKey(registered.recoveryKey)
      if (registered.recoveryKey === '') setEnrolling(false)
      else setStage('recovery-key')
    } catch (failure) {
      const problem = problemOf(failure)
      setEnrolling(isAgain)
      setRefusal(problem.says)
      if (aboutTheCode.has(problem.code)) setStage('code')
    }
    setBusy(false)
  }

  return {
    ...{ stage, typed, step, newKey, busy, refusal, isAgain },
    type: (change: Partial<Typed>) => setTyped((last) => ({ ...last, ...change })),
    sent: (next: RegistrationStep) => {
      setStep(next)
      setRefusal(undefined)
      setStage('code')
    },
    goTo: (next: Stage) => {
      setRefusal(undefined)
      setStage(next)
    },
    finish,
    done: () => setEnrolling(false),
  }
}

function firstTyped(account: AccountState | undefined): Typed {
  const { phone, name } = account?.kind === 'revoked' ? account : { phone: '', name: '' }
  return { phone, country: homeCountry(), code: '', name, recoveryKey: '' }
}
