import { expect, test } from 'bun:test'
import { writeDraft } from '../store/chats.ts'
import { updateContact } from '../store/contacts.ts'
import { writeAccepted } from '../store/messages.ts'
import { addMessage, memoryStore, peer, testAccount } from '../testing/test-store.ts'
import { chatQuery, chatsQuery } from './conversations.ts'

const nobody = () => ({ online: undefined, lastSeen: 0, typing: false })

test('[Y51] a row shows the newest message, its tick and the unread count', () => {
  const store = memoryStore()
  addMessage(store, 1, { unread: true })
  addMessage(store, 2, { unread: true })
  const number = addMessage(store, 3, { mine: true, text: 'mine' })
  const chats = chatsQuery(store, nobody)
  expect(chats.getSnapshot()).toMatchObject([
    { conversation: peer, preview: 'mine', previewMine: true, previewStatus: 'pending', unread: 2 },
  ])
  writeAccepted(store, number)
  expect(chats.getSnapshot()[0]?.previewStatus).toBe('accepted')
})

test('the newest chat comes first', () => {
  const store = memoryStore()
  const other = testAccount(9)
  addMessage(store, 1)
  addMessage(store, 2, { conversation: other, sender: other })
  const order = () =>
    chatsQuery(store, nobody)
      .getSnapshot()
      .map((row) => row.conversation)
  expect(order()).toEqual([other, peer])
  addMessage(store, 3)
  expect(order()).toEqual([peer, other])
})

test('a chat with nothing but a draft is in the list, and leaves it with the draft', () => {
  const store = memoryStore()
  writeDraft(store, peer, 'dear')
  expect(chatsQuery(store, nobody).getSnapshot()).toMatchObject([{ draft: 'dear', stamp: 0 }])
  writeDraft(store, peer, '')
  expect(chatsQuery(store, nobody).getSnapshot()).toEqual([])
})

test('a person is called by the own name for them, else by theirs, else by number, else by id', () => {
  const store = memoryStore()
  const title = () => chatQuery(store, peer, nobody).getSnapshot().title
  expect(title()).toBe(peer.slice(0, 8))
  updateContact(store, peer, { phone: '+4915112345678' })
  expect(title()).toBe('+4915112345678')
  updateContact(store, peer, { profileName: 'Benjamin' })
  expect(title()).toBe('Benjamin')
  updateContact(store, peer, { ownName: 'Ben from work' })
  expect(title()).toBe('Ben from work')
  updateContact(store, peer, { profileName: 'Somebody else' })
  expect(title()).toBe('Ben from work')
})

test('a claimed number is not shown before it is confirmed', () => {
  const store = memoryStore()
  updateContact(store, peer, { phoneClaim: '+4915112345678' })
  expect(chatQuery(store, peer, nobody).getSnapshot()).toMatchObject({
    phone: undefined,
    alias: peer,
  })
})
