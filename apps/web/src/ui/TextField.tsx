/** One line of input with its label, a hint, and an error that stands where it happened. */
import { type ComponentProps, type ReactNode, useId } from 'react'
import { classNames } from './class-names.ts'

interface TextFieldProps extends ComponentProps<'input'> {
  label: string
  hint?: ReactNode
  error?: string | undefined
  hideLabel?: boolean
}

export function TextField({ label, hint, error, hideLabel, className, ...rest }: TextFieldProps) {
  const id = useId()
  const note = error !== undefined || hint !== undefined ? `${id}-note` : undefined
  return (
    <div>
      <label
        htmlFor={id}
        className={hideLabel ? 'sr-only' : 'mb-1.5 block text-small font-medium text-soft'}
      >
        {label}
      </label>
      <input
        id={id}
        dir="auto"
        aria-invalid={error !== undefined}
        aria-describedby={note}
        {...rest}
        className={classNames(
          'fc-border block h-11 w-full rounded-xl border bg-sunk px-3.5 text-body text-ink',
          error === undefined ? 'border-transparent' : 'border-danger',
          className,
        )}
      />
      {error !== undefined ? (
        <FieldError id={note}>{error}</FieldError>
      ) : (
        hint !== undefined && (
          <p id={note} className="mt-1.5 text-small text-faint">
            {hint}
          </p>
        )
      )}
    </div>
  )
}

export function FieldError({ id, children }: { id?: string | undefined; children: ReactNode }) {
  return (
    <p id={id} role="alert" className="mt-1.5 text-small text-danger">
      {children}
    </p>
  )
}
