/** A menu of actions behind a button. */
import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'

export interface MenuAction {
  label: string
  icon?: ReactNode
  danger?: boolean
  run: () => void
}

export function Menu({ trigger, actions }: { trigger: ReactNode; actions: readonly MenuAction[] }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="appears fc-border z-20 min-w-52 rounded-xl border border-line bg-panel p-1.5 shadow-lg"
        >
          {actions.map((action) => (
            <DropdownMenu.Item
              key={action.label}
              onSelect={action.run}
              className={classNames(
                'flex min-h-10 items-center gap-3 rounded-lg px-3 text-body outline-none touch:min-h-11',
                'data-highlighted:bg-sunk',
                action.danger && 'text-danger',
              )}
            >
              {action.icon !== undefined && <span className="text-soft">{action.icon}</span>}
              {action.label}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
