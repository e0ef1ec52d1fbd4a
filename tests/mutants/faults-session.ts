/** Slips in the Double Ratchet, its messages, and the sessions with one device. */
import type { Fault } from './fault.ts'

const crypto = 'packages/crypto/src'
const adversary = `${crypto}/adversary.test.ts`
const sessions = `${crypto}/sessions.test.ts`
const ratchet = `${crypto}/ratchet.test.ts`
const padding = `${crypto}/padding.test.ts`
const libsignal = {
  file: `${crypto}/libsignal-session.test.ts`,
  test: 'first messages of the official library open, in any order',
}

const ratchetFaults: readonly Fault[] = [
  {
    name: 'root-not-salted',
    why: 'the root key does not go on: one stolen ratchet key opens everything after it',
    file: `${crypto}/ratchet.ts`,
    find: 'salt: rootKey, info: RATCHET_INFO',
    put: 'salt: undefined, info: RATCHET_INFO',
    killedBy: libsignal,
  },
  {
    name: 'ratchet-key-kept',
    why: 'the ratchet turns without a new key: no healing after a theft, and keys come up twice',
    file: `${crypto}/ratchet.ts`,
    find: 'const ratchetKey = await generateKeyPairWith(curve, random)',
    put: 'const { ratchetKey } = sending',
    killedBy: { file: ratchet, test: 'both sides come to the same seeds, across turns' },
  },
  {
    name: 'previous-counter-of-the-next',
    why: 'harmless to receive, but other implementations are told of a message that never was',
    file: `${crypto}/ratchet.ts`,
    find: 'previousCounter: Math.max(sending.index - 1, 0)',
    put: 'previousCounter: sending.index',
    killedBy: {
      file: sessions,
      test: 'says what libsignal says of the sending chain before: its last counter',
    },
  },
  {
    name: 'no-jump-limit',
    why: 'one forged counter costs a phone minutes',
    file: `${crypto}/ratchet.ts`,
    find: 'if (distance > jumpMax) {',
    put: 'if (distance > Math.max(jumpMax, COUNTER_MAX)) {',
    killedBy: { file: ratchet, test: 'of 25,001 is refused, in a known chain as in a new one' },
  },
  {
    name: 'jump-limit-raised',
    why: 'a hundred times the work for each forged counter, and other limits than libsignal has',
    file: `${crypto}/ratchet.ts`,
    find: 'export const FORWARD_JUMP_MAX = 25_000',
    put: 'export const FORWARD_JUMP_MAX = 2_500_000',
    killedBy: { file: ratchet, test: 'the bounds have the values that are written down' },
  },
  {
    name: 'jump-checked-late',
    why: 'each forged message costs two agreements before it is refused',
    file: `${crypto}/ratchet.ts`,
    find: `  checkJump(position.counter - (known?.index ?? 0), options.jumpMax)
  const current = known === undefined ? await turn(ratchet, position.ratchetKey, options) : ratchet
`,
    put: `  const current = known === undefined ? await turn(ratchet, position.ratchetKey, options) : ratchet
  checkJump(position.counter - (known?.index ?? 0), options.jumpMax)
`,
    killedBy: { file: ratchet, test: 'derives nothing before it refuses' },
  },
  {
    name: 'archived-jump-limit',
    why: 'a forged message is tried on forty old sessions, with 25,000 keys each',
    file: `${crypto}/receiving.ts`,
    find: 'const ARCHIVED_JUMP_MAX = 2_000',
    put: 'const ARCHIVED_JUMP_MAX = 20_000',
    killedBy: {
      file: adversary,
      test: 'of more than 2,000 is too far for an archived session with an unknown key',
    },
  },
  {
    name: 'skipped-keys-unbounded',
    why: 'a peer makes the store grow without end',
    file: `${crypto}/ratchet.ts`,
    find: 'ratchet: { ...current, receiving: boundSkipped(receiving) }',
    put: 'ratchet: { ...current, receiving }',
    killedBy: { file: ratchet, test: 'are no more than 2,000 when gaps add up within a chain' },
  },
  {
    name: 'newest-skipped-keys-dropped',
    why: 'of messages that are late, the latest cannot be opened',
    file: `${crypto}/ratchet.ts`,
    find: 'chain.skipped.subarray(dropped)',
    put: 'chain.skipped.subarray(0, -dropped)',
    killedBy: {
      file: ratchet,
      test: 'are no more than 2,000 over all chains, and the oldest go first',
    },
  },
  {
    name: 'receiving-chains-unbounded',
    why: 'a record grows with each turn, for the life of the session',
    file: `${crypto}/ratchet.ts`,
    find: '[...ratchet.receiving, chain].slice(-RECEIVING_CHAINS_MAX)',
    put: '[...ratchet.receiving, chain]',
    killedBy: { file: ratchet, test: 'are the newest 32' },
  },
  {
    name: 'used-skipped-key-kept',
    why: 'a late message opens again and again, and its key lies about',
    file: `${crypto}/ratchet.ts`,
    find: 'const rest = concatBytes(skipped.subarray(0, offset), skipped.subarray(end))',
    put: 'const rest = skipped',
    killedBy: { file: ratchet, test: 'every seed is another, and is given out once' },
  },
  {
    name: 'state-wiped-in-place',
    why: 'a forgery erases the key of the true message, which then never opens',
    file: `${crypto}/ratchet.ts`,
    find: 'return { chain: { ...chain, skipped: rest }, seed: skipped.slice(offset + 4, end) }',
    put: `const seed = skipped.slice(offset + 4, end)
    skipped.fill(0, offset, end)
    return { chain: { ...chain, skipped: rest }, seed }`,
    killedBy: {
      file: adversary,
      test: 'while the true one is awaited does not cost the key that was kept for it',
    },
  },
]

const messageFaults: readonly Fault[] = [
  {
    name: 'mac-unchecked',
    why: 'the server changes bits of a message on its way',
    file: `${crypto}/session.ts`,
    find: 'if (!equalBytes(mac, message.mac)) {',
    put: 'if (mac.length !== message.mac.length) {',
    killedBy: { file: adversary, test: 'in its MAC alone is refused' },
  },
  {
    name: 'mac-identity-order',
    why: 'a message passes when it is sent back, and no other implementation takes it',
    file: `${crypto}/messages.ts`,
    find: 'concatBytes(sender, receiver, authenticated)',
    put: 'concatBytes(receiver, sender, authenticated)',
    killedBy: libsignal,
  },
  {
    name: 'spqr-key-not-mixed',
    why: 'the post-quantum ratchet runs, and protects nothing',
    file: `${crypto}/session.ts`,
    find: 'salt: pqKey, info: MESSAGE_KEYS_INFO',
    put: 'salt: undefined, info: MESSAGE_KEYS_INFO',
    killedBy: libsignal,
  },
  {
    name: 'iv-from-the-mac-key',
    why: 'one secret is used for two ends, and a part of it travels with each message',
    file: `${crypto}/session.ts`,
    find: 'iv: keys.subarray(64)',
    put: 'iv: keys.subarray(48, 64)',
    killedBy: libsignal,
  },
  {
    name: 'version-half-checked',
    why: 'a server passes an older version off as this one',
    file: `${crypto}/messages.ts`,
    find: 'if (bytes[0] !== VERSION_BYTE) {',
    put: 'if (((bytes[0] ?? 0) & 0x0f) !== (VERSION_BYTE & 0x0f)) {',
    killedBy: {
      file: adversary,
      test: 'to any other version byte is refused, and the session stays',
    },
  },
  {
    name: 'addresses-optional-at-first',
    why: 'a first message can be passed on to another device',
    file: `${crypto}/receiving.ts`,
    find: 'if (!addressesMatch(inner, remote, local.address)) {',
    put: 'if (inner.addresses !== undefined && !addressesMatch(inner, remote, local.address)) {',
    killedBy: {
      file: adversary,
      test: 'a first message that does not say for whom it is is refused',
    },
  },
  {
    name: 'sender-address-not-compared',
    why: 'the server says that a message is of somebody else',
    file: `${crypto}/messages.ts`,
    find: 'return equalBytes(message.addresses, encodeAddresses(sender, receiver))',
    put: 'return equalBytes(message.addresses, encodeAddresses(sender, receiver)) || equalBytes(message.addresses.subarray(18), encodeAddress(receiver))',
    killedBy: { file: adversary, test: 'by naming another sender is refused' },
  },
  {
    name: 'addresses-swapped',
    why: 'no message passes to or from any other implementation',
    file: `${crypto}/messages.ts`,
    find: 'return concatBytes(encodeAddress(sender), encodeAddress(receiver))',
    put: 'return concatBytes(encodeAddress(receiver), encodeAddress(sender))',
    killedBy: libsignal,
  },
  {
    name: 'padding-not-checked',
    why: 'what was never padded passes for a plaintext',
    file: `${crypto}/padding.ts`,
    find: 'if (padded[end] !== MARK)',
    put: 'if (end < 0)',
    killedBy: { file: padding, test: 'wrong padding is refused' },
  },
  {
    name: 'padding-short-by-one',
    why: 'a text of just the length of a step loses its end',
    file: `${crypto}/padding.ts`,
    find: 'new Uint8Array(paddedLength(bytes.length + 1))',
    put: 'new Uint8Array(paddedLength(bytes.length))',
    killedBy: { file: padding, test: 'lengths go in steps of 80 up to the first step past 1 KiB' },
  },
]

const listFaults: readonly Fault[] = [
  {
    name: 'archived-sessions-unbounded',
    why: 'a peer makes the record grow without end, and each forgery dear',
    file: `${crypto}/session-record.ts`,
    find: 'const ARCHIVED_SESSIONS_MAX = 40',
    put: 'const ARCHIVED_SESSIONS_MAX = 250',
    killedBy: { file: sessions, test: 'are kept to the number of 40' },
  },
  {
    name: 'unanswered-for-ever',
    why: 'messages go for months to prekeys that are no more',
    file: `${crypto}/sessions.ts`,
    find: 'nowMs - since > UNANSWERED_MAX_MS',
    put: 'since - nowMs > UNANSWERED_MAX_MS',
    killedBy: { file: sessions, test: 'can send for 30 days and no longer' },
  },
  {
    name: 'straggler-brings-session-back',
    why: 'a session that was given up is used again, since an old message came late',
    file: `${crypto}/receiving.ts`,
    find: 'return encodeRecord({ ...list, sessions:',
    put: 'return encodeRecord({ ...list, hasCurrent: true, sessions:',
    killedBy: { file: sessions, test: 'still decrypt, and are not brought back by a straggler' },
  },
  {
    name: 'sessions-never-settle',
    why: 'two who wrote at the same time go on with two sessions for ever',
    file: `${crypto}/receiving.ts`,
    find: `  const others = list.sessions.filter((_, index) => index !== at)
  return encodeRecord({ ...list, sessions: [encodeSession(session), ...others] })
`,
    put: '  return encodeRecord({ ...list, sessions: list.sessions.with(at, encodeSession(session)) })\n',
    killedBy: {
      file: sessions,
      test: 'are what the other one becomes when both started: both then use the same',
    },
  },
  {
    name: 'known-session-not-found',
    why: 'each first message begins a session anew, and a replayed one opens again',
    file: `${crypto}/receiving.ts`,
    find: '({ baseKey }) => equalBytes(baseKey, outer.baseKey)',
    put: '({ baseKey }) => equalBytes(baseKey, outer.identityKey)',
    killedBy: {
      file: adversary,
      test: 'is a duplicate as a first message, also without its wrapping',
    },
  },
  {
    name: 'old-session-not-archived',
    why: 'what was under way when a session began anew never opens',
    file: `${crypto}/session-record.ts`,
    find: 'sessions: [session, ...list.sessions]',
    put: 'sessions: [session]',
    killedBy: {
      file: sessions,
      test: 'let a reset go through while messages of the old session are under way',
    },
  },
  {
    name: 'identities-mixed-in-a-record',
    why: 'a session under another identity key joins the trusted ones, and nobody is told',
    file: `${crypto}/session-record.ts`,
    find: 'if (!equalBytes(list.remoteIdentity, remoteIdentity)) {',
    put: 'if (!equalBytes(list.remoteIdentity, remoteIdentity) && list.hasCurrent === undefined) {',
    killedBy: {
      file: sessions,
      test: 'a session with another identity key does not join the record',
    },
  },
]

export const sessionFaults: readonly Fault[] = [...ratchetFaults, ...messageFaults, ...listFaults]
