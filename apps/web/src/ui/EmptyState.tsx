/** What to do when there is nothing to see: one sentence and one button. */
import type { ReactNode } from 'react'

interface EmptyStateProps {
  icon: ReactNode
  title?: string
  children: ReactNode
  action?: ReactNode
}

export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div className="m-auto flex max-w-80 flex-col items-center px-6 py-10 text-center">
      <span className="mb-4 grid size-16 place-items-center rounded-full bg-sel text-accent">
        {icon}
      </span>
      {title !== undefined && <h2 className="mb-1 text-lead font-semibold">{title}</h2>}
      <p className="text-body text-soft">{children}</p>
      {action !== undefined && <div className="mt-5">{action}</div>}
    </div>
  )
}
