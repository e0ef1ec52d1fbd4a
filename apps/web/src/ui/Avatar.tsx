/** A person's circle: initials on a hue made from the account id, and a dot while online. */
import type { CSSProperties } from 'react'
import { hueOf, initialsOf } from './avatar-hue.ts'
import { PersonIcon } from './icons.tsx'

interface AvatarProps {
  id: string
  name: string
  sizePx: number
  online?: boolean
}

export function Avatar({ id, name, sizePx, online = false }: AvatarProps) {
  const initials = initialsOf(name)
  const style = { '--hue': hueOf(id), width: sizePx, height: sizePx } as CSSProperties
  return (
    <span className="relative shrink-0" aria-hidden>
      <span className="avatar text-body select-none" style={style}>
        {initials === '' ? <PersonIcon /> : initials}
      </span>
      {online && (
        <span className="absolute end-0 bottom-0 size-3.5 rounded-full border-2 border-panel bg-online" />
      )}
    </span>
  )
}
