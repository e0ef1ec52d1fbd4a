/** What the app needs of the browser, in words for those whose browser lacks it. */

/** Undefined when everything is there. */
export function missingAbility(): string | undefined {
  if (!isSecureContext) {
    return 'Browsers give pages their encryption only over https or on the own machine. Open Parley by its https address, or ask who runs it to set one up.'
  }
  const needed = ['Worker', 'BroadcastChannel', 'WebAssembly', 'ResizeObserver', 'MessageChannel']
  const isComplete = needed.every((name) => name in globalThis)
  if (isComplete && 'locks' in navigator && 'subtle' in crypto) return undefined
  return 'It lacks web locks, workers or encryption. Use a current Firefox, Chrome, Edge or Safari.'
}
