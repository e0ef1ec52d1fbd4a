/** Slips in the client around the protocol: trust, device lists, prekeys, envelopes, randomness. */
import type { Fault } from './fault.ts'

const sdk = 'packages/sdk/src'
const crypto = 'packages/crypto/src'
const wire = 'packages/wire/src'
const devices = `${sdk}/trust/devices.test.ts`
const chain = `${sdk}/trust/device-chain.test.ts`
const ratchets = `${sdk}/trust/sessions.test.ts`
const lists = `${wire}/device-list.test.ts`
const answers = `${sdk}/receiving/resend-answers.test.ts`
const numbers = `${crypto}/fingerprint.test.ts`
const upkeep = `${sdk}/account/upkeep.test.ts`
const sealing = `${sdk}/sending/sealing.test.ts`
const mismatch = {
  file: `${sdk}/sending/contents.test.ts`,
  test: 'any mismatch between inside and outside is refused',
}

const trustFaults: readonly Fault[] = [
  {
    name: 'trust-on-change',
    why: 'the server replaces the key of somebody verified, and messages go to it',
    file: `${sdk}/trust/devices.ts`,
    find: 'const held = contact.verified || contact.held',
    put: 'const { held } = contact',
    killedBy: {
      file: devices,
      test: 'another root ends verification and holds back what is sent, and is in the chat',
    },
  },
  {
    name: 'hold-forgotten',
    why: 'the server replaces the key twice, and messages go to the second one',
    file: `${sdk}/trust/devices.ts`,
    find: 'const held = contact.verified || contact.held',
    put: 'const held = contact.verified',
    killedBy: {
      file: devices,
      test: 'a second change of root does not let go what the first one held',
    },
  },
  {
    name: 'hold-not-asked-when-sealing',
    why: 'a key that changes at the right moment is sent to, though it has to be accepted',
    file: `${sdk}/sending/sealing.ts`,
    find: 'if (!unchanged || isHeld(core, peer))',
    put: 'if (!unchanged)',
    killedBy: {
      file: sealing,
      test: 'nothing is sealed for somebody whose new key is not accepted, whoever asks',
    },
  },
  {
    name: 'list-change-missed-when-sealing',
    why: 'a device that was just taken off the list is sent one more message',
    file: `${sdk}/sending/sealing.ts`,
    find: 'const unchanged = current !== undefined && equalBytes(current.hash, peerList.hash)',
    put: 'const unchanged = current !== undefined',
    killedBy: {
      file: sealing,
      test: 'what was sealed for a list that changes meanwhile never leaves',
    },
  },
  {
    name: 'waiting-messages-survive-the-root',
    why: 'whoever took over the account answers for what the old devices sent',
    file: `${sdk}/trust/devices.ts`,
    find: '  dropUnopened(store, account, added.at(-1))\n',
    put: '',
    killedBy: {
      file: devices,
      test: 'what devices of the old root sent, and was not opened, is given up for good',
    },
  },
  {
    name: 'verification-survives',
    why: 'somebody is shown as verified whose key nobody has compared',
    file: `${sdk}/trust/devices.ts`,
    find: '{ keyChanged: true, verified: false, held }',
    put: '{ keyChanged: true, held }',
    killedBy: {
      file: devices,
      test: 'another root ends verification and holds back what is sent, and is in the chat',
    },
  },
  {
    name: 'old-ratchets-survive-the-root',
    why: 'devices of the old root are still talked to',
    file: `${sdk}/trust/devices.ts`,
    find: '  deleteSessionsWith(store, account)\n',
    put: '',
    killedBy: { file: devices, test: 'with another root the ratchets of the old one are gone' },
  },
  {
    name: 'removed-device-keeps-its-ratchet',
    why: 'a device that was taken off the list, and comes back under its id, is talked to unseen',
    file: `${sdk}/trust/devices.ts`,
    find: 'if (!after || !equalBytes(after.identityKey, before.identityKey)) {',
    put: 'if (after && !equalBytes(after.identityKey, before.identityKey)) {',
    killedBy: {
      file: devices,
      test: 'the ratchet with a device that left the list goes, the others stay',
    },
  },
  {
    name: 'own-root-replaced',
    why: 'the server makes itself the owner of the account',
    file: `${sdk}/trust/devices.ts`,
    find: 'if (newest && account === ownAccount(core).account) {',
    put: 'if (!newest && account === ownAccount(core).account) {',
    killedBy: { file: devices, test: 'another root for the own account is refused' },
  },
  {
    name: 'list-fork-accepted',
    why: 'the server shows two devices of an account different lists',
    file: `${sdk}/trust/device-chain.ts`,
    find: 'if (older && equalBytes(older, last.hash))',
    put: 'if (older)',
    killedBy: { file: chain, test: 'a fork under the same root is refused' },
  },
  {
    name: 'list-of-another-account',
    why: 'the server gives the devices of one person out as those of another',
    file: `${sdk}/trust/device-chain.ts`,
    find: 'if (last?.list.account !== known.account) {',
    put: 'if (last === undefined) {',
    killedBy: {
      file: chain,
      test: 'a chain that is signed well, but of another account, is refused',
    },
  },
  {
    name: 'list-from-the-middle',
    why: 'a chain without its beginning, which no root has signed, is the first that is known',
    file: `${wire}/device-list.ts`,
    find: '} else if (list.version !== 1) {',
    put: '} else if (list.version < 1) {',
    killedBy: { file: lists, test: 'what does not continue the list before is refused' },
  },
  {
    name: 'list-previous-unchecked',
    why: 'a list continues one that was never shown',
    file: `${wire}/device-list.ts`,
    find: ' &&\n      sameBytes(list.previous, previous.hash)',
    put: '',
    killedBy: { file: lists, test: 'what does not continue the list before is refused' },
  },
  {
    name: 'list-rolled-back',
    why: 'the server goes back to a list with a device that was stolen',
    file: `${wire}/device-list.ts`,
    find: 'list.version === previous.list.version + 1 &&',
    put: 'list.version >= 1 &&',
    killedBy: { file: lists, test: 'what does not continue the list before is refused' },
  },
  {
    name: 'list-unsigned',
    why: 'the server adds a device of its own to any account',
    file: `${wire}/device-list.ts`,
    find: 'if (!crypto.verify(signerKey(signed, list, previous), input, signed.signature)) {',
    put: 'if (!crypto.verify(signerKey(signed, list, previous), input, signed.signature) && !previous) {',
    killedBy: {
      file: lists,
      test: 'a signature by anybody else, or over anything else, is refused',
    },
  },
  {
    name: 'list-signed-by-the-newcomer',
    why: 'a device puts itself on the list',
    file: `${wire}/device-list.ts`,
    find: 'const device = previous?.list.devices.find(',
    put: 'const device = list.devices.find(',
    killedBy: {
      file: lists,
      test: 'a signature by anybody else, or over anything else, is refused',
    },
  },
  {
    name: 'device-listed-twice',
    why: 'two keys are one device, and nobody can say which of them is meant',
    file: `${wire}/device-list.ts`,
    find: '    ids.size === list.devices.length &&\n',
    put: '',
    killedBy: { file: lists, test: 'a list that breaks a bound is refused' },
  },
  {
    name: 'fingerprint-rounds',
    why: 'safety numbers differ from those of any other implementation',
    file: `${crypto}/fingerprint.ts`,
    find: 'for (let round = 1; round < ITERATIONS; round++)',
    put: 'for (let round = 1; round < ITERATIONS - 1; round++)',
    killedBy: { file: numbers, test: 'equal the published ones' },
  },
  {
    name: 'fingerprint-unsorted',
    why: 'two people read different numbers to each other, and think that they are attacked',
    file: `${crypto}/fingerprint.ts`,
    find: '[toDigits(local), toDigits(remote)].sort().join',
    put: '[toDigits(local), toDigits(remote)].join',
    killedBy: { file: numbers, test: 'show the same digits on both sides' },
  },
  {
    name: 'fingerprint-sides-swapped',
    why: 'a scan of the other one’s code never matches',
    file: `${crypto}/fingerprint.ts`,
    find: `    [2, encodeFields([[1, local.subarray(0, SCANNABLE_HASH_BYTES)]])],
    [3, encodeFields([[1, remote.subarray(0, SCANNABLE_HASH_BYTES)]])],
`,
    put: `    [2, encodeFields([[1, remote.subarray(0, SCANNABLE_HASH_BYTES)]])],
    [3, encodeFields([[1, local.subarray(0, SCANNABLE_HASH_BYTES)]])],
`,
    killedBy: { file: numbers, test: 'equal the published ones' },
  },
  {
    name: 'scan-of-one-side',
    why: 'a scan matches when only one of the two keys is the true one',
    file: `${crypto}/fingerprint.ts`,
    find: 'parts.every(Boolean)',
    put: 'parts.some(Boolean)',
    killedBy: { file: numbers, test: 'matches when both hold the same keys, and only then' },
  },
]

const stateFaults: readonly Fault[] = [
  {
    name: 'one-time-prekey-kept',
    why: 'who takes the device opens first messages of years ago, and they can be replayed',
    file: `${sdk}/store/prekeys.ts`,
    find: "store.run('DELETE FROM one_time_prekeys WHERE id = ?', [header.oneTimePreKeyId])",
    put: "store.one('SELECT id FROM one_time_prekeys WHERE id = ?', [header.oneTimePreKeyId])",
    killedBy: {
      file: ratchets,
      test: 'one-time prekeys go with the commit of the session that they began',
    },
  },
  {
    name: 'one-time-kyber-prekey-kept',
    why: 'who takes the device, and breaks X25519, opens first messages of years ago',
    file: `${sdk}/store/prekeys.ts`,
    find: 'DELETE FROM kyber_prekeys WHERE id = ? AND one_time = 1',
    put: 'DELETE FROM kyber_prekeys WHERE id = ? AND one_time = 0 AND replaced_at = 0',
    killedBy: {
      file: ratchets,
      test: 'one-time prekeys go with the commit of the session that they began',
    },
  },
  {
    name: 'base-key-never-found',
    why: 'a first message without one-time prekey opens again whenever its session is lost',
    file: `${sdk}/store/prekeys.ts`,
    find: '[header.signedPreKeyId, header.kyberPreKeyId, header.baseKey],',
    put: '[header.signedPreKeyId, header.kyberPreKeyId, header.baseKey.subarray(1)],',
    killedBy: {
      file: ratchets,
      test: 'without one-time prekeys too, a first message opens nothing once its session is lost',
    },
  },
  {
    name: 'base-key-forgotten-early',
    why: 'after a rotation of prekeys old first messages open again',
    file: `${sdk}/store/prekeys.ts`,
    find: 'signed_id NOT IN (SELECT id FROM signed_prekeys)',
    put: 'signed_id NOT IN (SELECT id FROM signed_prekeys WHERE replaced_at IS NULL)',
    killedBy: {
      file: ratchets,
      test: 'a base key is remembered as long as the prekeys that it was used with',
    },
  },
  {
    name: 'replaced-prekeys-deleted-at-once',
    why: 'who writes for the first time in the night of a rotation is never read',
    file: `${sdk}/account/upkeep.ts`,
    find: 'deleteOldPreKeys(store, now - keepReplacedMs, now - keepOneTimeMs)',
    put: 'deleteOldPreKeys(store, now + keepReplacedMs, now - keepOneTimeMs)',
    killedBy: {
      file: ratchets,
      test: 'a first message to prekeys that were replaced opens for thirty days',
    },
  },
  {
    name: 'replaced-prekeys-kept',
    why: 'who takes the device opens first messages of years ago',
    file: `${sdk}/store/prekeys.ts`,
    find: "store.run('DELETE FROM signed_prekeys WHERE replaced_at < ?', [replacedBeforeMs])",
    put: "store.run('DELETE FROM signed_prekeys WHERE replaced_at < ?', [replacedBeforeMs / 1000])",
    killedBy: {
      file: ratchets,
      test: 'a first message to prekeys that were replaced opens for thirty days',
    },
  },
  {
    name: 'prekeys-never-rotated',
    why: 'one stolen prekey opens first messages for ever',
    file: `${sdk}/account/upkeep.ts`,
    find: 'Math.abs(clock.now() - rotatedAt) >= rotateAfterMs',
    put: 'Math.abs(clock.now() - rotatedAt) >= rotateAfterMs * 1000',
    killedBy: {
      file: upkeep,
      test: 'the signed prekeys are made anew after seven days, whichever way the clock was set',
    },
  },
  {
    name: 'prekeys-refilled-late',
    why: 'one-time prekeys run out, and first messages are weaker than they need be',
    file: `${wire}/limits.ts`,
    find: 'export const oneTimePreKeysLow = 20',
    put: 'export const oneTimePreKeysLow = 2',
    killedBy: {
      file: upkeep,
      test: 'fewer than twenty of either kind are filled up to a hundred, twenty are enough',
    },
  },
  {
    name: 'kyber-prekeys-never-refilled',
    why: 'one-time Kyber prekeys run out, and nobody notices',
    file: `${sdk}/account/upkeep.ts`,
    find: ' || counts.one_time_kyber_prekeys < oneTimePreKeysLow',
    put: '',
    killedBy: {
      file: upkeep,
      test: 'fewer than twenty of either kind are filled up to a hundred, twenty are enough',
    },
  },
  {
    name: 'prekeys-uploaded-before-they-are-kept',
    why: 'after a crash at the wrong moment first messages come to keys that are nowhere',
    file: `${sdk}/account/upkeep.ts`,
    find: `  store.transaction(() => writePreKeys(store, batch, clock.now()))
  try {
    await core.api.uploadPreKeys(uploadOf(batch, account.registrationId))
`,
    put: `  try {
    await core.api.uploadPreKeys(uploadOf(batch, account.registrationId))
    store.transaction(() => writePreKeys(store, batch, clock.now()))
`,
    killedBy: {
      file: upkeep,
      test: 'private prekeys are in the store before the server has the public ones',
    },
  },
  {
    name: 'failed-upload-counts-as-rotation',
    why: 'the server goes on handing out old prekeys, for another week each time',
    file: `${sdk}/account/upkeep.ts`,
    find: "writeMeta(store, 'prekeys_rotated_at', 0)",
    put: "writeMeta(store, 'prekeys_rotated_at', clock.now())",
    killedBy: {
      file: upkeep,
      test: 'what the server did not take is made anew the next time, and stays in the store',
    },
  },
  {
    name: 'prekey-number-twice',
    why: 'a first message names two keys, and opens with neither',
    file: `${sdk}/store/prekeys.ts`,
    find: "writeMeta(store, 'prekey_id', first + count)",
    put: "writeMeta(store, 'prekey_id', first + count - 2)",
    killedBy: { file: upkeep, test: 'no two prekeys ever have the same number' },
  },
  {
    name: 'identity-of-the-message-taken',
    why: 'a first message under a key that nobody has signed passes for a listed device',
    file: `${sdk}/trust/sessions.ts`,
    find: 'if (!equalBytes(header.identityKey, device.identityKey)) {',
    put: 'if (current && !equalBytes(header.identityKey, device.identityKey)) {',
    killedBy: {
      file: ratchets,
      test: 'a first message under another identity key than the listed one opens nothing',
    },
  },
  {
    name: 'first-message-stepped-before-it-is-kept',
    why: 'what was refused for its envelope uses up prekeys and leaves a session',
    file: `${sdk}/trust/sessions.ts`,
    find: `    const kept = keep(opened.plaintext)
    const before = current ?? { basedOn: 0, renewedAtMs: 0 }
    this.#step(account, device, { ...before, record: opened.record })
`,
    put: `    const before = current ?? { basedOn: 0, renewedAtMs: 0 }
    this.#step(account, device, { ...before, record: opened.record })
    const kept = keep(opened.plaintext)
`,
    killedBy: {
      file: ratchets,
      test: 'a first message that is refused for what it holds leaves no trace',
    },
  },
  {
    name: 'ratchet-stepped-before-it-is-kept',
    why: 'a relabelled message costs the key of the true one',
    file: `${sdk}/trust/sessions.ts`,
    find: `    const kept = keep(opened.plaintext)
    this.#step(account, device, { ...current, record: opened.record })
`,
    put: `    this.#step(account, device, { ...current, record: opened.record })
    const kept = keep(opened.plaintext)
`,
    killedBy: {
      file: ratchets,
      test: 'a later message that is refused for what it holds leaves the ratchet as it was',
    },
  },
  {
    name: 'stepped-ratchet-not-found',
    why: 'two messages of one batch are encrypted with one key',
    file: `${sdk}/trust/sessions.ts`,
    find: 'const stepped = this.#stepped.get(keyOf(account, device))',
    put: 'const stepped = this.#stepped.get(device.id)',
    killedBy: { file: ratchets, test: 'messages of one batch never have a key in common' },
  },
  {
    name: 'stale-ratchet-written',
    why: 'of two who step a ratchet at once the slower wins, and keys come up twice',
    file: `${sdk}/store/sessions.ts`,
    find: 'AND version = ? RETURNING version',
    put: 'AND version >= ? RETURNING version',
    killedBy: {
      file: `${sdk}/store/sessions.test.ts`,
      test: 'a ratchet is written only over the state that it was made from',
    },
  },
  {
    name: 'weak-randomness',
    why: 'all keys can be guessed by who sees a few outputs of the generator',
    file: `${sdk}/platform/random.ts`,
    find: 'crypto.getRandomValues(bytes.subarray(start, start + fillBytesMax))',
    put: 'bytes.subarray(start, start + fillBytesMax).forEach((_, at) => (bytes[start + at] = Math.random() * 256))',
    killedBy: {
      file: `${sdk}/platform/random.test.ts`,
      test: 'every byte is one of the generator of the platform, also of many',
    },
  },
  {
    name: 'randomness-of-the-beginning',
    why: 'what is drawn in one large piece ends in zeros',
    file: `${sdk}/platform/random.ts`,
    find: 'start < length; start += fillBytesMax',
    put: 'start + fillBytesMax < length; start += fillBytesMax',
    killedBy: {
      file: `${sdk}/platform/random.test.ts`,
      test: 'every byte is one of the generator of the platform, also of many',
    },
  },
  {
    name: 'repeating-generator-accepted',
    why: 'a machine that starts with the same seed each time makes the same keys each time',
    file: `${sdk}/platform/random.ts`,
    find: 'first.some((byte, index) => byte !== second[index])',
    put: 'first.some((byte, index) => byte !== second[index + 1])',
    killedBy: {
      file: `${sdk}/platform/random.test.ts`,
      test: 'a generator that repeats itself, or gives too little, is none',
    },
  },
]

const envelopeFaults: readonly Fault[] = [
  {
    name: 'envelope-conversation',
    why: 'a message to one person is shown by another, who cannot know',
    file: `${sdk}/sending/contents.ts`,
    find: '    content.conversation === account.account &&\n',
    put: '',
    killedBy: mismatch,
  },
  {
    name: 'envelope-stamp',
    why: 'the server puts messages in another order and at other times',
    file: `${sdk}/sending/contents.ts`,
    find: '    content.stamp === entry.stamp &&\n',
    put: '',
    killedBy: mismatch,
  },
  {
    name: 'envelope-message-id',
    why: 'the server has one message replace another',
    file: `${sdk}/sending/contents.ts`,
    find: '    content.messageId === entry.messageId &&\n',
    put: '',
    killedBy: mismatch,
  },
  {
    name: 'envelope-sender-device',
    why: 'the server says that a message is of another device',
    file: `${sdk}/sending/contents.ts`,
    find: '    content.senderDevice === entry.senderDevice &&\n',
    put: '',
    killedBy: mismatch,
  },
  {
    name: 'given-up-message-shown',
    why: 'what was given up since the root changed comes back under the new one',
    file: `${sdk}/receiving/incoming.ts`,
    find: "message !== undefined && message.kind !== 'waiting'",
    put: "message?.kind === 'text'",
    killedBy: {
      file: `${sdk}/receiving/incoming.test.ts`,
      test: 'what was shown, or given up, is not taken again under its id',
    },
  },
  {
    name: 'resent-under-another-root',
    why: 'a server that replaces a key is sent what was written to the old one',
    file: `${sdk}/receiving/resend-answers.ts`,
    find: 'if (!equalBytes(message.rootKey, root)) return false',
    put: 'if (message.rootKey.length !== root.length) return false',
    killedBy: { file: answers, test: 'under another root it is refused' },
  },
  {
    name: 'resent-once-too-often',
    why: 'the bound on answers is not the one that was promised',
    file: `${sdk}/receiving/resend-answers.ts`,
    find: 'countAnswers(store, senderDevice, id) >= answersPerMessageMax',
    put: 'countAnswers(store, senderDevice, id) > answersPerMessageMax',
    killedBy: {
      file: answers,
      test: 'the fourth request of a device for a message stays unanswered',
    },
  },
  {
    name: 'resend-rate',
    why: 'a peer has a device encrypt without end',
    file: `${sdk}/receiving/resend-answers.ts`,
    find: 'countAnswersSince(store, senderDevice, clock.now() - hourMs)',
    put: 'countAnswersSince(store, senderDevice, clock.now() + hourMs)',
    killedBy: {
      file: answers,
      test: 'a device that asks for very many messages is answered 256 times an hour',
    },
  },
]

export const clientFaults: readonly Fault[] = [...trustFaults, ...stateFaults, ...envelopeFaults]
