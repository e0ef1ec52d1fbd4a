/**
 * Shows the marks and links of a message; what it is given is already parsed, and nothing becomes
 * HTML.
 */
import type { ReactNode } from 'react'

export type FormattedSpan =
  | { kind: 'text'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'code'; text: string; block: boolean }
  | { kind: 'bold' | 'italic' | 'strike'; children: FormattedSpan[] }

interface FormattedTextProps {
  spans: readonly FormattedSpan[]
  /** Links are reached by entering their message. */
  linkTabIndex: number
}

export function FormattedText({ spans, linkTabIndex }: FormattedTextProps): ReactNode {
  return spans.map((span, index) => (
    <Formatted key={index} span={span} linkTabIndex={linkTabIndex} />
  ))
}

function Formatted({ span, linkTabIndex }: { span: FormattedSpan; linkTabIndex: number }) {
  switch (span.kind) {
    case 'text':
      return span.text
    case 'link':
      return (
        <a
          className="message-link"
          href={span.href}
          target="_blank"
          rel="noopener noreferrer nofollow"
          tabIndex={linkTabIndex}
        >
          {span.text}
        </a>
      )
    case 'code':
      return (
        <code className={span.block ? 'message-code message-code-block' : 'message-code'}>
          {span.text}
        </code>
      )
    case 'bold':
      return (
        <strong className="font-bold">
          <FormattedText spans={span.children} linkTabIndex={linkTabIndex} />
        </strong>
      )
    case 'italic':
      return (
        <em>
          <FormattedText spans={span.children} linkTabIndex={linkTabIndex} />
        </em>
      )
    case 'strike':
      return (
        <s>
          <FormattedText spans={span.children} linkTabIndex={linkTabIndex} />
        </s>
      )
  }
}
