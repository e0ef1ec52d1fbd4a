/** The keys that work everywhere in the app; screens/shortcuts lists them. */
import { useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import type { Conversation } from '../../client/queries.ts'
import type { ChatRow } from '../../client/types.ts'
import { useWindowState } from '../../state/window-state.ts'
import { pathOf } from './links.ts'

type Action = (event: KeyboardEvent) => void

export function useShortcuts(
  chats: readonly ChatRow[] | undefined,
  open: Conversation | undefined,
): void {
  const [, navigate] = useLocation()
  const show = useWindowState((state) => state.show)
  const latest = useRef<Action>(() => {})
  useEffect(() => {
    latest.current = (event) => {
      const step = stepOf(event)
      if (isSearchKey(event)) {
        navigate(open === undefined || isWide() ? location.pathname : '/')
        requestAnimationFrame(focusSearch)
      } else if (event.ctrlKey && event.altKey && event.code === 'KeyN') show({ kind: 'new-chat' })
      else if (event.key === '?' && !isTyping(event.target)) show({ kind: 'shortcuts' })
      else if (step !== 0 && chats !== undefined) goBy(step, chats, open, navigate)
      else return
      event.preventDefault()
    }
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const covered = useWindowState.getState().dialog !== undefined
      if (!covered && !event.defaultPrevented) latest.current(event)
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}

function isSearchKey(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k'
}

function stepOf(event: KeyboardEvent): number {
  if (!event.altKey || event.ctrlKey || event.metaKey) return 0
  if (event.key === 'ArrowUp') return -1
  return event.key === 'ArrowDown' ? 1 : 0
}

function goBy(
  step: number,
  chats: readonly ChatRow[],
  open: Conversation | undefined,
  navigate: (path: string) => void,
): void {
  const at = chats.findIndex((chat) => chat.conversation === open)
  const next = at === -1 ? chats[0] : chats[at + step]
  if (next !== undefined) navigate(pathOf(next.conversation))
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select')
}

function isWide(): boolean {
  return matchMedia('(width >= 37.5rem)').matches
}

export const searchFieldId = 'chat-search'

function focusSearch(): void {
  const field = document.getElementById(searchFieldId)
  if (field instanceof HTMLInputElement) field.select()
}
