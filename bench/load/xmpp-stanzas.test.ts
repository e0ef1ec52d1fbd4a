/** What the load client reads of XMPP, held against what ejabberd and Prosody send. */
import { expect, test } from 'bun:test'
import { Outgoing } from './outgoing.ts'
import {
  messageTemplate,
  readMessage,
  readStanzas,
  receiptNotKeptTemplate,
  receiptTemplate,
} from './xmpp-stanzas.ts'
import type { ReadMessage } from './xmpp-stanzas.ts'

const out = new Outgoing()

function written(template: typeof messageTemplate, to: number, number: number): string {
  template.put(out, to, number)
  return Buffer.from(out.take()).toString('latin1')
}

/** As ejabberd hands on what user 12 sent to user 34. */
function asEjabberd(number: number): string {
  const body = /<body>.*<\/body>/.exec(written(messageTemplate, 34, number))?.[0]
  return (
    "<message xml:lang='en' to='u00000034@localhost' from='u00000012@localhost/load' " +
    "type='chat' id='m00000007'><archived by='u00000034@localhost' id='1795348986468730' " +
    "xmlns='urn:xmpp:mam:tmp'/><stanza-id by='u00000034@localhost' id='1795348986468730' " +
    `xmlns='urn:xmpp:sid:0'/><request xmlns='urn:xmpp:receipts'/>${body}</message>`
  )
}

/** As Prosody, whose attributes come in any order. */
function asProsody(number: number): string {
  const receipt = /<received[^>]*>/.exec(written(receiptTemplate, 34, number))?.[0]
  return (
    '<message id="r00000007" from="u00000012@localhost/load" to="u00000034@localhost" ' +
    `xml:lang="en" type="chat">${receipt}<no-store xmlns="urn:xmpp:hints"/></message>`
  )
}

function read(text: string): (ReadMessage | string)[] {
  const bytes = Buffer.from(text, 'latin1')
  const found: (ReadMessage | string)[] = []
  readStanzas(bytes, (stanza) =>
    found.push(stanza.name === 'message' ? readMessage(bytes, stanza) : stanza.name),
  )
  return found
}

test('a message has a body of 300 bytes, its receiver and its number', () => {
  const text = written(messageTemplate, 34, 56)
  expect(/<body>(.*)<\/body>/.exec(text)?.[1]).toHaveLength(300)
  expect(text).toContain("to='u00000034@localhost' type='chat' id='m00000056'")
  expect(text).toContain('>~M00000056')
})

test('a receipt names the message, and asks not to be kept where the archive is compared', () => {
  expect(written(receiptTemplate, 34, 56)).toContain("id='~R00000056'/></message>")
  expect(written(receiptNotKeptTemplate, 34, 56)).toContain(
    "id='~R00000056'/><no-store xmlns='urn:xmpp:hints'/></message>",
  )
})

test('messages and receipts are read as both servers hand them on', () => {
  expect(read(`${asEjabberd(7)}<r xmlns='urn:xmpp:sm:3'/>${asProsody(8)}`)).toEqual([
    { kind: 'message', number: 7, from: 12, to: 34 },
    'r',
    { kind: 'receipt', number: 8, from: 12, to: 34 },
  ])
})

test('a changed byte of the body, a lost address and a refusal are wrong', () => {
  const whole = asEjabberd(7)
  expect(read(whole.replace('ahov', 'ahow'))).toEqual([
    { kind: 'wrong', reason: 'a message that is not as it was sent' },
  ])
  expect(read(whole.replace('u00000012@', 'localhost'))).toEqual([
    { kind: 'wrong', reason: 'a message without a mark or an address' },
  ])
  expect(read(whole.replace("type='chat'", "type='error'"))).toEqual([
    { kind: 'wrong', reason: 'a message came back' },
  ])
})

test('what is cut anywhere is left until it is whole', () => {
  const first = asProsody(1)
  const text = first + asEjabberd(2)
  for (let cut = 0; cut < text.length; cut++) {
    const bytes = Buffer.from(text.slice(0, cut), 'latin1')
    let count = 0
    const readTo = readStanzas(bytes, () => count++)
    expect([count, readTo]).toEqual(cut < first.length ? [0, 0] : [1, first.length])
  }
})

test('the message inside an archived one does not end it', () => {
  const archived = `<message to='u00000034@localhost'><result>${asEjabberd(3)}</result></message>`
  const bytes = Buffer.from(`${archived}<iq type='result'/>`, 'latin1')
  const ends: number[] = []
  readStanzas(bytes, ({ to }) => ends.push(to))
  expect(ends).toEqual([archived.length, bytes.length])
})

test('a login is read step by step', () => {
  const header = "<?xml version='1.0'?><stream:stream id='1' version='1.0'>"
  const features = '<stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms>'
  expect(read(`${header}${features}</stream:features>`)).toEqual([
    '?xml',
    'stream:stream',
    'stream:features',
  ])
  expect(read("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")).toEqual(['success'])
})
