/**
 * Walking through messages by keyboard: the list is one stop of the Tab key, arrows move, Enter
 * goes into a message, Escape out of it.
 */
import { type FocusEvent, type KeyboardEvent, useState } from 'react'
import { focusComposer } from './composer-focus.ts'

const articleSelector = '[data-message]'

export interface Roving {
  visited: string | undefined
  onFocus: (event: FocusEvent) => void
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void
}

export function useRoving(): Roving {
  const [visited, setVisited] = useState<string | undefined>(undefined)
  const onFocus = (event: FocusEvent) => setVisited(articleOf(event.target)?.dataset.message)
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const article = articleOf(event.target)
    if (article === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    const handled =
      event.target === article
        ? walk(event.key, article, event.currentTarget)
        : walkInside(event.key, article)
    if (handled) event.preventDefault()
  }
  return { visited, onFocus, onKeyDown }
}

function articleOf(target: EventTarget): HTMLElement | undefined {
  if (!(target instanceof HTMLElement)) return undefined
  return target.closest<HTMLElement>(articleSelector) ?? undefined
}

function walk(key: string, article: HTMLElement, list: HTMLElement): boolean {
  if (key === 'Escape') {
    focusComposer()
    return true
  }
  if (key === 'Enter') {
    const inner = innerStops(article)[0]
    inner?.focus()
    return inner !== undefined
  }
  const articles = [...list.querySelectorAll<HTMLElement>(articleSelector)]
  const at = articles.indexOf(article)
  const targets: Record<string, HTMLElement | undefined> = {
    ArrowUp: articles[at - 1],
    ArrowDown: articles[at + 1],
    Home: articles[0],
    End: articles.at(-1),
  }
  if (!(key in targets)) return false
  targets[key]?.focus({ preventScroll: true })
  targets[key]?.scrollIntoView({ block: 'nearest' })
  return true
}

/** Links and buttons inside a message are no stops of the Tab key, so arrows reach them. */
function walkInside(key: string, article: HTMLElement): boolean {
  if (key === 'Escape') {
    article.focus()
    return true
  }
  const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }
  const step = steps[key]
  if (step === undefined) return false
  const stops = innerStops(article)
  const at = stops.findIndex((stop) => stop === document.activeElement)
  stops[at + step]?.focus()
  return true
}

function innerStops(article: HTMLElement): HTMLElement[] {
  return [...article.querySelectorAll<HTMLElement>('a[href], button')]
}
