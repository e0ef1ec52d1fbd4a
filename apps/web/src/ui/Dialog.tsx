/**
 * A window over the page: focus stays inside, Escape and the veil close it, the page behind is out
 * of reach.
 */
import { Dialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { IconButton } from './Button.tsx'
import { classNames } from './class-names.ts'
import { CloseIcon } from './icons.tsx'

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
  /** A sheet takes the height of the page at its start side. */
  sheet?: boolean
  description?: string
}

export function Dialog({ title, onClose, children, sheet = false, description }: DialogProps) {
  return (
    <Radix.Root open onOpenChange={(open) => open || onClose()}>
      <Radix.Portal>
        <div className="appears fixed inset-0 z-20 bg-veil" />
        <div
          className={classNames(
            'pointer-events-none fixed inset-0 z-30 flex',
            sheet ? 'justify-start' : 'items-center justify-center p-4 phone:p-0',
          )}
        >
          <Radix.Content
            {...(description === undefined && { 'aria-describedby': undefined })}
            onOpenAutoFocus={focusWindow}
            className={classNames(
              'sheet fc-border pointer-events-auto flex flex-col bg-panel text-ink shadow-xl',
              'phone:h-full phone:max-h-none phone:w-full phone:rounded-none focus-visible:outline-none',
              sheet ? 'h-full w-full max-w-93' : 'max-h-full w-full max-w-110 rounded-2xl',
            )}
          >
            <div className="flex h-15.5 shrink-0 items-center justify-between ps-5 pe-3">
              <Radix.Title className="text-lead font-semibold">{title}</Radix.Title>
              <Radix.Close asChild>
                <IconButton label="Close">
                  <CloseIcon />
                </IconButton>
              </Radix.Close>
            </div>
            <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-5">
              {description !== undefined && (
                <Radix.Description className="mb-4 text-preview text-soft">
                  {description}
                </Radix.Description>
              )}
              {children}
            </div>
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  )
}

/**
 * A field that asks for the focus has it already; else the window itself takes it, not its close
 * button.
 */
function focusWindow(event: Event): void {
  event.preventDefault()
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus()
}
