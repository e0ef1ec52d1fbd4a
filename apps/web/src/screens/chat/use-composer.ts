/**
 * What is being written in a chat: kept as a draft, told as typing, sent once; what could not be
 * saved comes back into the field.
 */
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { problemOf } from '../../client/problems.ts'
import type { Conversation } from '../../client/queries.ts'
import { after } from '../../platform/clock.ts'
import { useTyping } from './use-typing.ts'

const draftAfterMs = 300

interface ComposerState {
  text: string
  failure: string | undefined
  change: (text: string) => void
  send: () => void
}

interface ComposerOptions {
  conversation: Conversation
  draft: string
  onSent: () => void
}

export function useComposer({ conversation, draft, onSent }: ComposerOptions): ComposerState {
  const client = useClient()
  const [text, setText] = useState(draft)
  const [failure, setFailure] = useState<string | undefined>(undefined)
  const keepDraft = useDraft(conversation)
  const typing = useTyping(conversation)
  const change = (next: string) => {
    setText(next)
    setFailure(undefined)
    keepDraft(next)
    typing(next !== '')
  }
  const send = () => {
    const message = text.trim()
    if (message === '') return
    change('')
    onSent()
    client.sendText(conversation, message).catch((error: unknown) => {
      setFailure(problemOf(error).says)
      setText((written) => (written === '' ? message : `${message}\n${written}`))
      keepDraft(message)
    })
  }
  return { text, failure, change, send }
}

/** Saves the draft a moment after the last key, and at once when the page or the chat is left. */
function useDraft(conversation: Conversation): (text: string) => void {
  const client = useClient()
  const unsaved = useRef<string | undefined>(undefined)
  const cancel = useRef(() => {})
  const save = useCallback(() => {
    cancel.current()
    const text = unsaved.current
    unsaved.current = undefined
    if (text === undefined) return
    client.setDraft(conversation, text).catch(() => {
      unsaved.current ??= text
    })
  }, [client, conversation])
  useEffect(() => {
    const saveWhenHidden = () => document.visibilityState === 'hidden' && save()
    document.addEventListener('visibilitychange', saveWhenHidden)
    addEventListener('pagehide', save)
    return () => {
      document.removeEventListener('visibilitychange', saveWhenHidden)
      removeEventListener('pagehide', save)
      save()
    }
  }, [save])
  return useCallback(
    (text: string) => {
      unsaved.current = text
      cancel.current()
      cancel.current = after(draftAfterMs, save)
    },
    [save],
  )
}
