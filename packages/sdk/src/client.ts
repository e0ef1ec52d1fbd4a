/**
 * The facade: the `Client` of types.ts over the parts of the engine. It only wires, and lets
 * nothing out but ParleyError.
 */
import type { AccountId, MessageId } from '@parley/wire'
import { composeText, retryMessage } from './sending/compose.ts'
import { findContact, linkTo, savedContacts } from './trust/contacts.ts'
import { ownAccount } from './core.ts'
import type { ClientSurroundings } from './core.ts'
import { diagnose } from './diagnosis.ts'
import { Engine } from './engine.ts'
import { eventsOf } from './state/events.ts'
import { requireRandom } from './platform/random.ts'
import { asParleyError } from './problems.ts'
import { markRead } from './receiving/reading.ts'
import { writeNewDevice } from './account/rollback.ts'
import { chatQuery, chatsQuery } from './state/conversations.ts'
import { liveQuery } from './state/live.ts'
import { itemOf, timelineQuery } from './state/timeline.ts'
import { readAccount } from './store/account.ts'
import { writeDraft } from './store/chats.ts'
import { updateContact } from './store/contacts.ts'
import { deleteEvents } from './store/events.ts'
import { readMessageById } from './store/messages.ts'
import { acceptKey, safetyNumberWith, setVerified, verifyScanned } from './trust/verification.ts'
import type { AccountState, Client } from './types.ts'

/**
 * Opens the profile; it is offline until `start`. Throws ParleyError: no-crypto (E24),
 * store-corrupt, store-newer, disk-full.
 */
export function openClient(surroundings: ClientSurroundings): Client {
  return guarded(() => {
    requireRandom(surroundings.random)
    return facade(new Engine(surroundings), surroundings.server)
  })
}

function facade(engine: Engine, server: string): Client {
  return {
    ...lifeOf(engine),
    ...accountOf(engine, server),
    ...chatsOf(engine),
    ...messagesOf(engine),
    ...trustOf(engine),
    ...eventsApi(engine),
  }
}

function lifeOf(engine: Engine) {
  const { connection } = engine
  return {
    connection: connection.state,
    start: () => guarded(() => engine.start()),
    stop: () => guardedLater(() => engine.stop()),
    diagnose: () => guardedLater(() => diagnose(engine.core, connection)),
    [Symbol.asyncDispose]: () => guardedLater(() => engine.end()),
  }
}

function accountOf(engine: Engine, server: string) {
  const { core, registration } = engine
  const { store } = core
  return {
    account: liveQuery<AccountState>(store, ['account'], () => {
      const account = readAccount(store)
      if (!account) return { kind: 'none' }
      const { status: kind, account: id, device, phone, name } = account
      return { kind, account: id, device, phone, name }
    }),
    startRegistration: (phone: string) => guardedLater(() => registration.start(phone)),
    finishRegistration: (input: Parameters<Client['finishRegistration']>[0]) =>
      guardedLater(async () => {
        const registered = await registration.finish(input, () => writeNewDevice(core))
        engine.registered()
        return registered
      }),
    logout: () =>
      guardedLater(async () => {
        // First, or the end of the session would be taken for a removal; and not the engine, so
        // that what is registered next connects again.
        await engine.connection.stop()
        await registration.logout()
        store.erase()
      }),
    ownLink: () => guarded(() => linkTo(server, ownAccount(core).account)),
  }
}

function chatsOf(engine: Engine) {
  const { core, presence } = engine
  const { store } = core
  const presenceOf = (account: AccountId) => presence.of(account)
  return {
    findContact: (alias: string) => guardedLater(() => findContact(core, alias)),
    contacts: () => guarded(() => savedContacts(core)),
    setContactName: (account: AccountId, name: string) =>
      guarded(() =>
        store.transaction(() =>
          updateContact(store, account, { ownName: name.trim(), saved: true }),
        ),
      ),
    chats: () => chatsQuery(store, presenceOf),
    chat: (conversation: AccountId) => chatQuery(store, conversation, presenceOf),
    setDraft: (conversation: AccountId, text: string) =>
      guarded(() => store.transaction(() => writeDraft(store, conversation, text))),
    setTyping: (conversation: AccountId, active: boolean) =>
      guarded(() => presence.say(conversation, active)),
    watchPresence: (conversation: AccountId | undefined) =>
      guarded(() => presence.watch(conversation)),
  }
}

function messagesOf(engine: Engine) {
  const { core, outbox, receipts } = engine
  const { store } = core
  return {
    timeline: (query: Parameters<Client['timeline']>[0]) => timelineQuery(store, query),
    message: (id: MessageId) =>
      guarded(() => {
        const row = readMessageById(store, id)
        return row && itemOf(row)
      }),
    sendText: (conversation: AccountId, text: string, id?: MessageId) =>
      guardedLater(async () => {
        const sent = composeText(core, conversation, text, id)
        outbox.wake(conversation)
        return sent
      }),
    retry: (id: MessageId) =>
      guardedLater(async () => {
        const conversation = retryMessage(core, id)
        if (conversation) outbox.wake(conversation)
      }),
    markRead: (conversation: AccountId, upTo: Parameters<Client['markRead']>[1]) =>
      guardedLater(async () => {
        if (markRead(core, conversation, upTo)) receipts.send()
      }),
  }
}

function trustOf(engine: Engine) {
  const { core, outbox } = engine
  return {
    safetyNumber: (conversation: AccountId) =>
      guardedLater(async () => (await safetyNumberWith(core, conversation)).digits),
    safetyCode: (conversation: AccountId) =>
      guardedLater(async () => (await safetyNumberWith(core, conversation)).scannable),
    verifyScanned: (conversation: AccountId, scanned: Uint8Array) =>
      guardedLater(async () => {
        const outcome = await verifyScanned(core, conversation, scanned)
        if (outcome === 'match') outbox.wake(conversation)
        return outcome
      }),
    acceptKey: (conversation: AccountId) =>
      guardedLater(async () => {
        acceptKey(core, conversation)
        outbox.wake(conversation)
      }),
    setVerified: (conversation: AccountId, verified: boolean, compared?: string) =>
      guardedLater(async () => {
        setVerified(core, conversation, verified, compared)
        outbox.wake(conversation)
      }),
  }
}

function eventsApi(engine: Engine) {
  const { core } = engine
  const { store } = core
  return {
    events: (limit: number) => guarded(() => eventsOf(core, limit)),
    eventsChanged: (listener: () => void) =>
      store.onChange((touched) => {
        if (touched.has('events')) listener()
      }),
    eventsDone: (number: number) =>
      guarded(() => store.transaction(() => deleteEvents(store, number))),
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw asParleyError(error)
  }
}

async function guardedLater<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asParleyError(error)
  }
}
