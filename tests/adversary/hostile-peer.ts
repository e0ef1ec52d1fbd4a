/**
 * A registered person who keeps to the wire and to nothing else: says inside a message what they
 * like, and puts any bytes into its envelope.
 */
import { pad } from '@parley/crypto'
import { encodeContent, inboxOf, messageIdOf, parseDeviceId } from '@parley/wire'
import type { AccountId, Content, MessageContent, VerifiedList } from '@parley/wire'
import { ownAccount } from '../../packages/sdk/src/core.ts'
import type { Engine } from '../../packages/sdk/src/engine.ts'
import { readDeviceList } from '../../packages/sdk/src/store/device-lists.ts'
import { deleteSessionsWith } from '../../packages/sdk/src/store/sessions.ts'
import { takeSequence } from '../../packages/sdk/src/store/outbox.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { engineOn } from '../../packages/sdk/src/testing/test-engine.ts'
import { until } from '../../packages/sdk/src/testing/test-people.ts'
import type { Person } from '../../packages/sdk/src/testing/test-people.ts'
import { deviceListOf } from '../../packages/sdk/src/trust/devices.ts'
import {
  beginSessions,
  devicesWithoutSession,
  Ratchets,
} from '../../packages/sdk/src/trust/sessions.ts'

export interface Writing {
  text?: string
  /** Outside and inside; the present when left out. */
  stamp?: number
  /** What the inside says otherwise than the outside. */
  inside?: Partial<Content>
  /** The whole plaintext instead. */
  plaintext?: Uint8Array
  /** The ciphertext that goes out instead. */
  spoil?: (ciphertext: Uint8Array) => Uint8Array
}

export class HostilePeer implements AsyncDisposable {
  readonly engine: Engine
  /** On no list. */
  readonly strangeDevice = parseDeviceId('5e'.repeat(16))

  private constructor(engine: Engine) {
    this.engine = engine
  }

  /** In the place of their client. */
  static async of(person: Person, server: string): Promise<HostilePeer> {
    await person.client[Symbol.asyncDispose]()
    const engine = engineOn(openBunDriver(person.database), server)
    engine.start()
    await until(engine.connection.state, ({ status }) => status === 'online')
    return new HostilePeer(engine)
  }

  /** The outside of a message that was never written. */
  head(): Omit<MessageContent, 'envelope'> {
    const { core } = this.engine
    const account = ownAccount(core)
    return {
      kind: 'message',
      sender: account.account,
      senderDevice: account.device,
      sequence: core.store.transaction(() => takeSequence(core.store, core.serverClock.now())),
      messageId: messageIdOf(core.random(16)),
      stamp: core.serverClock.now(),
    }
  }

  /** What is on its way then; the victim's log says when it is there. */
  async write(victim: AccountId, writing: Writing): Promise<MessageContent> {
    const list = await this.#session(victim)
    const head = { ...this.head(), ...(writing.stamp !== undefined && { stamp: writing.stamp }) }
    const plaintext = writing.plaintext ?? pad(encodeContent(this.#inside(list, head, writing)))
    const [device] = list.list.devices
    if (!device) throw new Error('there is nobody to write to')
    const ratchets = new Ratchets(this.engine.core)
    const sealed = await ratchets.seal(victim, device, plaintext)
    this.engine.core.store.transaction(() => ratchets.write())
    const ciphertext = writing.spoil?.(sealed.ciphertext.slice()) ?? sealed.ciphertext
    const envelope = { ...sealed, ciphertext }
    this.engine.connection.send({
      kind: 'send',
      log: inboxOf(victim),
      sequence: head.sequence,
      messageId: head.messageId,
      stamp: head.stamp,
      deviceList: list.hash,
      envelopes: [envelope],
    })
    return { ...head, envelope }
  }

  /** The next message begins another session. */
  forget(victim: AccountId): void {
    const { store } = this.engine.core
    store.transaction(() => deleteSessionsWith(store, victim))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.end()
  }

  async #session(victim: AccountId): Promise<VerifiedList> {
    const { core } = this.engine
    const list = await deviceListOf(core, victim)
    if (!list) throw new Error('there is nobody to write to')
    const devices = devicesWithoutSession(core, list)
    await beginSessions(core, { list, devices, renew: false })
    return list
  }

  #inside(list: VerifiedList, head: Omit<MessageContent, 'envelope'>, writing: Writing): Content {
    const { store } = this.engine.core
    const own = readDeviceList(store, head.sender)
    if (!own) throw new Error('nobody knows this account')
    const { sender, senderDevice, messageId, stamp } = head
    return {
      sender,
      senderDevice,
      messageId,
      stamp,
      conversation: list.list.account,
      senderList: { version: own.list.version, hash: own.hash },
      recipientList: { version: list.list.version, hash: list.hash },
      profile: undefined,
      body: { kind: 'text', text: writing.text ?? '' },
      ...writing.inside,
    }
  }
}
