/** The link that lets others start a chat, to copy and hand on. */
import { useEffect, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { CopyButton } from '../../ui/CopyField.tsx'
import { LinkIcon } from '../../ui/icons.tsx'

export function OwnLink() {
  const client = useClient()
  const [link, setLink] = useState('')
  useEffect(() => {
    let isCurrent = true
    client.ownLink().then(
      (own) => isCurrent && setLink(own),
      // There is none before registration.
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [client])
  if (link === '') return null
  return (
    <section aria-labelledby="own-link" className="mt-6">
      <h3 id="own-link" className="mb-1 text-small font-medium text-soft">
        Your link
      </h3>
      <p className="mb-2 text-small text-faint">Whoever opens it can write to you.</p>
      <p data-testid="own-link" dir="ltr" className="secret rounded-xl bg-sunk p-3 text-small">
        {link}
      </p>
      <div className="mt-2 flex flex-wrap items-center gap-2">
        <CopyButton text={link} label="Copy link" icon={<LinkIcon />} />
      </div>
    </section>
  )
}
