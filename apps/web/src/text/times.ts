/**
 * Times and days in the viewer's zone, locale and 12 or 24 hour habit. The present is always handed
 * in.
 */

const dayMs = 86_400_000
const locale = undefined

const clockFormat = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })
const weekdayShort = new Intl.DateTimeFormat(locale, { weekday: 'short' })
const weekdayLong = new Intl.DateTimeFormat(locale, { weekday: 'long' })
const dateShort = new Intl.DateTimeFormat(locale, {
  day: '2-digit',
  month: '2-digit',
  year: '2-digit',
})
const dateLong = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long' })
const dateOtherYear = new Intl.DateTimeFormat(locale, {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
})
const fullFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' })

export function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0)
}

/** Whole days between a moment and today; rounding takes care of days of 23 and 25 hours. */
function daysAgo(ms: number, today: number): number {
  return Math.round((today - startOfDay(ms)) / dayMs)
}

export function clockTime(ms: number): string {
  return clockFormat.format(ms)
}

export function fullTime(ms: number): string {
  return fullFormat.format(ms)
}

/** In the chat list: the time today, then the day, then the date. */
export function rowTime(ms: number, today: number): string {
  const days = daysAgo(ms, today)
  if (days <= 0) return clockTime(ms)
  if (days === 1) return 'Yesterday'
  if (days < 7) return weekdayShort.format(ms)
  return dateShort.format(ms)
}

/** Between messages. */
export function dayLabel(ms: number, today: number): string {
  const days = daysAgo(ms, today)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  if (days > 1 && days < 7) return weekdayLong.format(ms)
  const sameYear = new Date(ms).getFullYear() === new Date(today).getFullYear()
  return (sameYear ? dateLong : dateOtherYear).format(ms)
}

export function lastSeenLabel(ms: number, today: number): string {
  const days = daysAgo(ms, today)
  if (days <= 0) return `last seen at ${clockTime(ms)}`
  if (days === 1) return `last seen yesterday at ${clockTime(ms)}`
  if (days < 7) return `last seen ${weekdayLong.format(ms)} at ${clockTime(ms)}`
  return `last seen ${dayLabel(ms, today)}`
}
