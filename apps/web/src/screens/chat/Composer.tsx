/**
 * The field for the next message. Enter sends, Shift+Enter breaks the line; what is too long stays
 * and is told.
 */
import { type KeyboardEvent, useLayoutEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import type { Conversation } from '../../client/queries.ts'
import { bytesLeft } from '../../text/measure.ts'
import { IconButton } from '../../ui/Button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { SendIcon } from '../../ui/icons.tsx'
import { composerFieldId } from './composer-focus.ts'
import { useComposer } from './use-composer.ts'

/** From here on the bytes that are left are shown. */
const nearLimitBytes = 4_096

interface ComposerProps {
  conversation: Conversation
  draft: string
  onSent: () => void
}

export function Composer({ conversation, draft, onSent }: ComposerProps) {
  const { text, failure, change, send } = useComposer({ conversation, draft, onSent })
  const [, navigate] = useLocation()
  const field = useGrowingField(text)
  const left = bytesLeft(text.trim())
  const isTooLong = left !== undefined && left < 0
  const submit = () => {
    if (!isTooLong) send()
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // While a word is being composed, Enter and Escape belong to the input method.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault()
      submit()
    } else if (event.key === 'Escape') navigate('/')
  }
  return (
    <div className="shrink-0 border-t border-line bg-panel px-4 pt-2 pb-[max(0.5rem,env(safe-area-inset-bottom))] phone:px-2">
      <div className="mx-auto max-w-195">
        <ComposerNote failure={failure} left={left} />
        <div className="flex items-end gap-1.5">
          <textarea
            ref={field}
            id={composerFieldId}
            rows={1}
            dir="auto"
            aria-label="Message"
            aria-describedby="composer-note"
            aria-invalid={isTooLong}
            placeholder="Message"
            enterKeyHint="send"
            autoFocus={hasKeyboard()}
            value={text}
            onChange={(event) => change(event.target.value)}
            onKeyDown={onKeyDown}
            className={classNames(
              'composer-field fc-border block min-h-10.5 w-full min-w-0 rounded-[21px] border bg-sunk px-4 py-2.5 text-body',
              isTooLong ? 'border-danger' : 'border-transparent',
            )}
          />
          <IconButton
            label="Send"
            disabled={text.trim() === '' || isTooLong}
            onClick={submit}
            className="size-10.5 bg-accent text-accent-ink! hover:bg-accent hover:brightness-110 disabled:bg-sunk disabled:text-faint!"
          >
            <SendIcon className="rtl:-scale-x-100" />
          </IconButton>
        </div>
      </div>
    </div>
  )
}

function ComposerNote({
  failure,
  left,
}: {
  failure: string | undefined
  left: number | undefined
}) {
  const isNear = left !== undefined && left <= nearLimitBytes
  if (failure === undefined && !isNear) return null
  return (
    <p
      id="composer-note"
      role={failure !== undefined || (left ?? 0) < 0 ? 'alert' : undefined}
      className={classNames(
        'px-4 pb-1.5 text-small tabular-nums',
        failure !== undefined || (left ?? 0) < 0 ? 'text-danger' : 'text-faint',
      )}
    >
      {failure ?? wordsForLeft(left ?? 0)}
    </p>
  )
}

function wordsForLeft(left: number): string {
  const count = (bytes: number) => `${bytes.toLocaleString()} ${bytes === 1 ? 'byte' : 'bytes'}`
  if (left >= 0) return `${count(left)} left`
  return `This message is ${count(-left)} too long; 65,536 are possible. Shorten it or send it in parts.`
}

/** On a phone the keyboard would cover the messages that one came to read. */
function hasKeyboard(): boolean {
  return matchMedia('(pointer: fine)').matches
}

const growsByItself = CSS.supports('field-sizing', 'content')

/** Grows with its text up to the height that the style allows. */
function useGrowingField(text: string) {
  const field = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => {
    const element = field.current
    if (growsByItself || element === null) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight + 2}px`
    // The text is what its height depends on.
  }, [text])
  return field
}
