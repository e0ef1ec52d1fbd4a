/**
 * Runs before the first paint, as a plain script in the head, so that a chosen theme never flashes.
 * The names are those of platform/theme.ts.
 */
try {
  const chosen = localStorage.getItem('parley.theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage is closed in some private windows; the system's theme stands.
}
