/**
 * Marks and links in messages: what becomes a span, and that no character of a text is ever lost.
 */
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { readMarkup, type Span, withoutMarks } from './markup.ts'

function textOf(spans: readonly Span[]): string {
  return spans.map((span) => ('children' in span ? textOf(span.children) : span.text)).join('')
}

function link(text: string, href: string): Span {
  return { kind: 'link', text, href }
}

describe('marks', () => {
  test('read bold, italic, strike and code', () => {
    expect(readMarkup('*a* _b_ ~c~ `d`')).toEqual([
      { kind: 'bold', children: [{ kind: 'text', text: 'a' }] },
      { kind: 'text', text: ' ' },
      { kind: 'italic', children: [{ kind: 'text', text: 'b' }] },
      { kind: 'text', text: ' ' },
      { kind: 'strike', children: [{ kind: 'text', text: 'c' }] },
      { kind: 'text', text: ' ' },
      { kind: 'code', text: 'd', block: false },
    ])
  })

  test('nest', () => {
    const inner: Span = { kind: 'italic', children: [{ kind: 'text', text: 'b' }] }
    expect(readMarkup('*a _b_*')).toEqual([
      { kind: 'bold', children: [{ kind: 'text', text: 'a ' }, inner] },
    ])
  })

  test('stay text inside words, before blanks, across lines and without a partner', () => {
    for (const text of ['snake_case_name', '2 * 3 * 4', '*a\nb*', '*a', '``', '5*3*2']) {
      expect(readMarkup(text)).toEqual([{ kind: 'text', text }])
    }
  })

  test('are not read inside code', () => {
    expect(readMarkup('```\n*a*\n```')).toEqual([{ kind: 'code', text: '*a*', block: true }])
  })
})

describe('links', () => {
  test('end before the punctuation of the sentence, but keep their own brackets', () => {
    expect(readMarkup('(see https://a.example/b).')[1]).toEqual(
      link('https://a.example/b', 'https://a.example/b'),
    )
    const withBracket = 'https://a.example/b_(c)'
    expect(readMarkup(withBracket)).toEqual([link(withBracket, withBracket)])
  })

  test('are web addresses only', () => {
    expect(readMarkup('javascript:alert(1) data:text/html,x')).toHaveLength(1)
    expect(readMarkup('www.example.org')).toEqual([
      link('www.example.org', 'https://www.example.org/'),
    ])
  })

  test('leave the sentence its punctuation, and keep a bracket that they opened', () => {
    for (const after of ['.', ')', ').', '!)?', ')))', '.]}']) {
      const [link, rest] = readMarkup(`https://a.example/b${after}`)
      expect(link).toMatchObject({ kind: 'link', text: 'https://a.example/b' })
      expect(rest).toEqual({ kind: 'text', text: after })
    }
    const [bracketed] = readMarkup('https://a.example/b_(c).')
    expect(bracketed).toMatchObject({ kind: 'link', text: 'https://a.example/b_(c)' })
  })

  test('are no longer than an address is', () => {
    const longest = `https://a.example/${'b'.repeat(2_030)}`
    expect(readMarkup(longest)).toEqual([{ kind: 'link', text: longest, href: longest }])
    expect(readMarkup(`${longest}b`)).toEqual([{ kind: 'text', text: `${longest}b` }])
  })

  test('keep their underscores', () => {
    const address = 'https://a.example/_x_y_'
    expect(textOf(readMarkup(address))).toBe(address)
  })
})

test('a preview shows the words alone', () => {
  expect(withoutMarks('*Hello _you_* `x` 2 * 3')).toBe('Hello you x 2 * 3')
})

test('no text is lost but the marks themselves', () => {
  const piece = fc.constantFrom(
    '*',
    '_',
    '~',
    '`',
    '```',
    ' ',
    '\n',
    'a',
    'é',
    '😀',
    'https://a.b/',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join('')
      const bare = (value: string) => value.replace(/[*_~`\n]/g, '')
      expect(bare(textOf(readMarkup(text)))).toBe(bare(text))
    }),
  )
})

test('the worst text of full size is read quickly', () => {
  const before = process.cpuUsage()
  for (const piece of ['*a', '`a\n', '_*~a', '(https://']) readMarkup(piece.repeat(20_000))
  for (const mark of ['.', ')', '.)']) readMarkup(`https://a${mark.repeat(60_000)}a`)
  for (const address of ['www.a%', 'http://[', 'https://a:b/']) {
    readMarkup(address.repeat(65_536 / address.length))
  }
  // Processor time, since others may be using the machine.
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1_000).toBeLessThan(2_000)
})
