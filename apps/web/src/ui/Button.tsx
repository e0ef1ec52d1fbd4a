/**
 * Buttons: the one action of a view, quiet ones, dangerous ones, and round ones with an icon and a
 * name.
 */
import type { ComponentProps, ReactNode } from 'react'
import { classNames } from './class-names.ts'

type Tone = 'accent' | 'quiet' | 'danger' | 'plain'

const tones: Record<Tone, string> = {
  accent: 'bg-accent text-accent-ink hover:brightness-110',
  quiet: 'bg-sunk text-ink hover:bg-line',
  danger: 'bg-danger text-danger-ink hover:brightness-110',
  plain: 'text-accent hover:bg-sunk',
}

export function Button({
  tone = 'accent',
  className,
  ...rest
}: ComponentProps<'button'> & { tone?: Tone }) {
  return (
    <button
      type="button"
      {...rest}
      className={classNames(
        'fc-border inline-flex min-h-10 items-center justify-center gap-2 rounded-xl px-4 text-body',
        'font-semibold transition-[filter,background-color] duration-120 touch:min-h-11',
        'disabled:cursor-default disabled:opacity-50',
        tones[tone],
        className,
      )}
    />
  )
}

export function IconButton({
  label,
  children,
  className,
  ...rest
}: ComponentProps<'button'> & { label: string; children: ReactNode }) {
  return (
    <button
      type="button"
      title={label}
      {...rest}
      aria-label={label}
      className={classNames(
        'grid size-10 shrink-0 place-items-center rounded-full text-soft transition-colors duration-120',
        'hover:bg-sunk hover:text-ink touch:size-11',
        className,
      )}
    >
      {children}
    </button>
  )
}
