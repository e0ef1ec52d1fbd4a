/** Each peer of this repository does what a load scenario needs of it. */
import { expect, test } from 'bun:test'
import type { LoadEvents, SeenMessage } from '../load/protocol.ts'
import type { Peer, StartPeer } from './peer.ts'
import { startParley } from './parley.ts'
import { startRelay } from './relay.ts'

const peers: Record<string, StartPeer> = {
  parley: startParley,
  relay: () => startRelay('relay'),
  'relay-sqlite': () => startRelay('relay-sqlite'),
}

/** A busy machine takes its time to start a server. */
const timeoutMs = 60_000

/** What happened, in order, and a way to wait for so many things. */
function listen() {
  const heard: string[] = []
  const seen: SeenMessage[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const hear = (text: string) => {
    heard.push(text)
    for (const { count, resolve } of waiting) if (heard.length >= count) resolve()
  }
  const events: LoadEvents = {
    message: ({ user }, message) => {
      seen.push(message)
      hear(`${user} has ${message.number} of ${message.from}`)
    },
    confirmed: ({ user }, number) => hear(`${user} hears that ${number} arrived`),
    accepted: ({ user }, number) => hear(`${user} hears that ${number} is taken`),
    wrong: ({ user }, reason) => hear(`${user}: ${reason}`),
    closed: ({ user }, reason) => hear(`${user} is closed: ${reason}`),
    chunkRead() {},
  }
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      if (heard.length >= count) resolve()
      else waiting.push({ count, resolve })
    })
  return { heard, seen, events, until }
}

async function exchange(peer: Peer): Promise<string[]> {
  const { heard, seen, events, until } = listen()
  const { protocol } = peer
  const says = protocol.accepts ? 2 : 1
  const anna = await protocol.logIn({ user: 0, hearsAccepted: true }, events)
  const ben = await protocol.logIn({ user: 1, hearsAccepted: true }, events)
  anna.send(1, 7)
  anna.flush()
  await until(says)
  for (const message of seen) ben.confirm(message)
  ben.flush()
  await until(says + 1)
  anna.close()
  ben.close()
  return heard
}

for (const [name, start] of Object.entries(peers)) {
  test(
    `${name} brings a message and its receipt`,
    async () => {
      await using peer = await start({ users: 2, durable: true })
      const heard = await exchange(peer)
      expect(peer.name).toBe(name)
      expect(heard).toContain('1 has 7 of 0')
      expect(heard.at(-1)).toBe('0 hears that 7 arrived')
      expect(heard).toHaveLength(peer.protocol.accepts ? 3 : 2)
      expect(peer.residentKib()).toBeGreaterThan(1024)
    },
    timeoutMs,
  )
}
