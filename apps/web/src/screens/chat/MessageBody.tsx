/**
 * What a bubble says: text with its marks and links, folded when it is long, or why there is no
 * text.
 */
import { type ReactNode, useMemo, useState } from 'react'
import type { TimelineItem } from '../../client/types.ts'
import { readMarkup } from '../../text/markup.ts'
import { foldAt, isBigEmoji, needsTallLines } from '../../text/measure.ts'
import { classNames } from '../../ui/class-names.ts'
import { FormattedText } from '../../ui/FormattedText.tsx'

interface MessageBodyProps {
  item: TimelineItem
  title: string
  textId: string
  /** Floats at the end of the last line. */
  children: ReactNode
}

export function MessageBody({ item, title, textId, children }: MessageBodyProps) {
  if (item.body.kind === 'text') {
    return (
      <TextBody text={item.body.text} textId={textId}>
        {children}
      </TextBody>
    )
  }
  return (
    <p className="message-text">
      <em id={textId} className="text-soft">
        {insteadOfText(item, title)}
      </em>
      {children}
    </p>
  )
}

function insteadOfText({ body }: TimelineItem, title: string): string {
  if (body.kind === 'unreadable' && body.state === 'waiting') {
    return `Waiting for this message. ${title}'s device will send it again.`
  }
  if (body.kind === 'unreadable') {
    return `This message could not be opened. Ask ${title} to write it again.`
  }
  return 'This message was made by a newer Parley. Reload the page to update.'
}

function TextBody({
  text,
  textId,
  children,
}: Omit<MessageBodyProps, 'item' | 'title'> & { text: string }) {
  const fold = useMemo(() => foldAt(text), [text])
  const [isWhole, setWhole] = useState(false)
  const isFolded = fold !== undefined && !isWhole
  const shown = isFolded ? `${text.slice(0, fold)}…` : text
  const spans = useMemo(() => readMarkup(shown), [shown])
  const isBig = isBigEmoji(text)
  return (
    <div
      dir="auto"
      className={classNames(
        'message-text',
        needsTallLines(shown) && 'tall-script',
        isBig && 'text-start',
      )}
    >
      <span id={textId} data-testid="message-text" className={classNames(isBig && 'big-emoji')}>
        <FormattedText spans={spans} linkTabIndex={-1} />
      </span>
      {isFolded && (
        <button
          type="button"
          tabIndex={-1}
          onClick={() => setWhole(true)}
          className="ms-1 min-h-6 rounded font-semibold text-accent touch:min-h-11"
        >
          Read more
        </button>
      )}
      {children}
    </div>
  )
}
