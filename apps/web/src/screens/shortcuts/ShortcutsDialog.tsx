/** The keys that the app knows. */
import { Dialog } from '../../ui/Dialog.tsx'

const shortcuts: readonly (readonly [keys: string, meaning: string])[] = [
  ['Ctrl K', 'Search chats'],
  ['Ctrl Alt N', 'New chat'],
  ['Alt ↑  Alt ↓', 'Previous or next chat'],
  ['↑ ↓ Home End', 'Walk through chats or messages'],
  ['Enter', 'Open a chat; go into a message; send'],
  ['Shift Enter', 'New line'],
  ['Esc', 'Close, leave a message, leave the chat'],
  ['?', 'This list'],
]

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="flex flex-col">
        {shortcuts.map(([keys, meaning]) => (
          <div
            key={keys}
            className="flex items-center justify-between gap-4 border-b border-line py-2 last:border-0"
          >
            <dt className="text-body">{meaning}</dt>
            <dd>
              <kbd className="rounded-md bg-sunk px-2 py-1 font-sans text-small whitespace-nowrap text-soft">
                {keys}
              </kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
