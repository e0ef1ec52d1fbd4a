/** The page around each step of registering: the name of the app, a heading, a form. */
import type { FormEvent, ReactNode } from 'react'
import { IconButton } from '../../ui/Button.tsx'
import { BackIcon } from '../../ui/icons.tsx'

interface RegisterFrameProps {
  title: string
  lead: ReactNode
  onSubmit: () => void
  onBack?: (() => void) | undefined
  children: ReactNode
}

export function RegisterFrame({ title, lead, onSubmit, onBack, children }: RegisterFrameProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <main className="flex h-full flex-col overflow-y-auto bg-bg phone:bg-panel">
      <div className="m-auto w-full max-w-104 p-4">
        <div className="mb-5 flex items-center justify-center gap-2.5 text-lead font-bold">
          <img src="/icon.svg" alt="" width={30} height={30} />
          Parley
        </div>
        <form
          noValidate
          onSubmit={submit}
          className="fc-border rounded-2xl bg-panel p-6 shadow-[0_1px_3px_oklch(20%_0.02_250/0.1)] phone:p-1 phone:shadow-none"
        >
          <div className="mb-1 flex items-center gap-1">
            {onBack !== undefined && (
              <IconButton label="Back" onClick={onBack} className="-ms-2.5">
                <BackIcon className="rtl:-scale-x-100" />
              </IconButton>
            )}
            <h1 className="text-title font-semibold">{title}</h1>
          </div>
          <p className="mb-5 text-body text-soft">{lead}</p>
          {children}
        </form>
      </div>
    </main>
  )
}
