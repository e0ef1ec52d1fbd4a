/** A quiet line across the app: the state of the network, a warning, an offer. */
import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'

interface BarProps {
  tone: 'warning' | 'info'
  icon?: ReactNode
  children: ReactNode
  action?: ReactNode
}

export function Bar({ tone, icon, children, action }: BarProps) {
  return (
    <div
      className={classNames(
        'appears fc-border flex min-h-9 shrink-0 items-center justify-center gap-2 px-4 py-1 text-small',
        tone === 'warning' ? 'bg-warning-bg text-warning' : 'bg-sel text-ink',
      )}
    >
      {icon !== undefined && <span className="shrink-0">{icon}</span>}
      <span className="min-w-0">{children}</span>
      {action}
    </div>
  )
}

export function BarButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button
      type="button"
      onClick={onClick}
      className="min-h-7 shrink-0 rounded-md px-2 font-semibold underline underline-offset-2 touch:min-h-11"
    >
      {children}
    </button>
  )
}
