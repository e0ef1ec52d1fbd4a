/** Settings of this account and this browser. */
import { useState } from 'react'
import { useAccount } from '../../client/queries.ts'
import { chooseTheme, readTheme, type Theme } from '../../platform/theme.ts'
import { useWindowState } from '../../state/window-state.ts'
import { Avatar } from '../../ui/Avatar.tsx'
import { Button } from '../../ui/Button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { Dialog } from '../../ui/Dialog.tsx'
import { OwnLink } from './OwnLink.tsx'
import { StorageNote } from './StorageNote.tsx'

export function SettingsSheet({ onClose }: { onClose: () => void }) {
  const show = useWindowState((state) => state.show)
  return (
    <Dialog title="Settings" onClose={onClose} sheet>
      <Profile />
      <OwnLink />
      <ThemeChoice />
      <section className="mt-6">
        <h3 className="mb-1 text-small font-medium text-soft">Safety</h3>
        <p className="text-small text-faint">
          Messages are sealed on this device and opened on the other one. To be sure who is there,
          open a chat's menu and compare the safety number. What is stored in this browser is as
          safe as the device: whoever can open its profile can read it.
        </p>
      </section>
      <StorageNote />
      <div className="mt-6 flex flex-col gap-2">
        <Button tone="quiet" onClick={() => show({ kind: 'shortcuts' })}>
          Keyboard shortcuts
        </Button>
        <Button tone="quiet" className="text-danger!" onClick={() => show({ kind: 'log-out' })}>
          Log out
        </Button>
      </div>
    </Dialog>
  )
}

function Profile() {
  const account = useAccount()
  if (account === undefined || account.kind === 'none') return null
  return (
    <div className="flex items-center gap-4">
      <Avatar id={account.account} name={account.name} sizePx={56} />
      <div className="min-w-0">
        <p dir="auto" className="truncate text-start text-lead font-semibold">
          {account.name}
        </p>
        <p className="text-preview text-soft tabular-nums">
          <bdi>{account.phone}</bdi>
        </p>
      </div>
    </div>
  )
}

const themes: readonly { theme: Theme; label: string }[] = [
  { theme: 'system', label: 'System' },
  { theme: 'light', label: 'Light' },
  { theme: 'dark', label: 'Dark' },
]

function ThemeChoice() {
  const [theme, setTheme] = useState(readTheme)
  const choose = (next: Theme) => {
    chooseTheme(next)
    setTheme(next)
  }
  return (
    <fieldset className="mt-6">
      <legend className="mb-1.5 text-small font-medium text-soft">Theme</legend>
      <div className="flex rounded-xl bg-sunk p-1">
        {themes.map((choice) => (
          <label
            key={choice.theme}
            className={classNames(
              'flex min-h-9 flex-1 cursor-pointer items-center justify-center rounded-lg text-preview touch:min-h-11',
              'has-focus-visible:outline-2 has-focus-visible:outline-accent',
              choice.theme === theme ? 'fc-selected bg-panel font-semibold shadow-sm' : 'text-soft',
            )}
          >
            <input
              type="radio"
              name="theme"
              className="sr-only"
              checked={choice.theme === theme}
              onChange={() => choose(choice.theme)}
            />
            {choice.label}
          </label>
        ))}
      </div>
    </fieldset>
  )
}
