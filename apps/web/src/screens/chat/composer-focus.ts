/** Where the keyboard goes back to: the field for the next message. */

export const composerFieldId = 'composer-field'

export function focusComposer(): void {
  document.getElementById(composerFieldId)?.focus({ preventScroll: true })
}
