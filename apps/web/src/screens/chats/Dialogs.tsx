/** The dialog that is open. Loaded with the first one that is asked for. */
import { type OpenDialog, useWindowState } from '../../state/window-state.ts'
import { NewChatDialog } from '../new-chat/NewChatDialog.tsx'
import { RenameDialog } from '../safety/RenameDialog.tsx'
import { SafetyDialog } from '../safety/SafetyDialog.tsx'
import { LogOutDialog } from '../settings/LogOutDialog.tsx'
import { SettingsSheet } from '../settings/SettingsSheet.tsx'
import { ShortcutsDialog } from '../shortcuts/ShortcutsDialog.tsx'

export function Dialogs({ dialog }: { dialog: OpenDialog }) {
  const onClose = useWindowState((state) => state.closeDialog)
  switch (dialog.kind) {
    case 'new-chat':
      return <NewChatDialog onClose={onClose} />
    case 'settings':
      return <SettingsSheet onClose={onClose} />
    case 'shortcuts':
      return <ShortcutsDialog onClose={onClose} />
    case 'log-out':
      return <LogOutDialog onClose={onClose} />
    case 'safety':
      return <SafetyDialog conversation={dialog.conversation} onClose={onClose} />
    case 'rename':
      return <RenameDialog conversation={dialog.conversation} onClose={onClose} />
  }
}
