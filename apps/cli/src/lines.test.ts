import { expect, test } from 'bun:test'
import { linesOf, wholeText } from './lines.ts'

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

async function lines(bytesMax: number, ...parts: string[]): Promise<string[]> {
  return await Array.fromAsync(linesOf(chunks(...parts), bytesMax))
}

test('lines are found wherever the stream is cut', async () => {
  expect(await lines(100, 'on', 'e\ntwo\nth', 'ree\n')).toEqual(['one', 'two', 'three'])
})

test('a last line without a line break counts', async () => {
  expect(await lines(100, 'one\ntwo')).toEqual(['one', 'two'])
})

test('line breaks of Windows are taken off, empty lines stay', async () => {
  expect(await lines(100, 'one\r\n\r\n\ntwo\n')).toEqual(['one', '', '', 'two'])
})

test('a character that is cut in two by a chunk arrives whole', async () => {
  const bytes = Buffer.from('مرحبا 👋\n')
  async function* single() {
    for (const byte of bytes) yield Uint8Array.of(byte)
  }
  expect(await Array.fromAsync(linesOf(single(), 100))).toEqual(['مرحبا 👋'])
})

test('of a line that is too long one byte more than allowed is held', async () => {
  expect(await lines(5, 'abcdefghij', 'klm\nab\n')).toEqual(['abcdef', 'ab'])
})

test('a line of exactly the allowed length is whole', async () => {
  expect(await lines(5, 'abcde\n')).toEqual(['abcde'])
})

test('a whole text keeps its lines and loses the last line break', async () => {
  expect(await wholeText(chunks('one\n', 'two\n'), 100)).toBe('one\ntwo')
})

test('a whole text that is too long is still too long', async () => {
  const text = await wholeText(chunks('x'.repeat(50), 'y'.repeat(60), 'z'.repeat(1000)), 100)
  expect(text.length).toBe(110)
})
