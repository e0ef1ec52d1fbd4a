/**
 * The chosen theme of this browser: kept in local storage, shown as an attribute of the page that
 * the colours follow.
 */

export type Theme = 'system' | 'light' | 'dark'

const key = 'parley.theme'

export function readTheme(): Theme {
  const shown = document.documentElement.dataset.theme
  return shown === 'light' || shown === 'dark' ? shown : 'system'
}

export function chooseTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    if (theme === 'system') localStorage.removeItem(key)
    else localStorage.setItem(key, theme)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
