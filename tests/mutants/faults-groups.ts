/** Slips in sender keys. */
import type { Fault } from './fault.ts'

const crypto = 'packages/crypto/src'
const groups = `${crypto}/sender-keys.test.ts`

export const groupFaults: readonly Fault[] = [
  {
    name: 'group-signature-unchecked',
    why: 'a member writes in the name of another one',
    file: `${crypto}/sender-keys.ts`,
    find: 'if (!(await verifyWith(input.curve, signingKey, authenticated, signature))) {',
    put: 'if ((await verifyWith(input.curve, signingKey, authenticated, signature)) === undefined) {',
    killedBy: {
      file: groups,
      test: 'opens nothing that another member signed, who knows the chain as well',
    },
  },
  {
    name: 'group-jump-limit',
    why: 'one message of a member costs everybody’s phone minutes',
    file: `${crypto}/sender-keys.ts`,
    find: 'checkJump(iteration - chain.index, FORWARD_JUMP_MAX)',
    put: 'checkJump(iteration - chain.index, FORWARD_JUMP_MAX * 4)',
    killedBy: { file: groups, test: 'of 25,000 messages is taken, one of 25,001 is refused' },
  },
  {
    name: 'group-chain-with-another-key',
    why: 'who is let in once replaces the signing key of a chain that is trusted',
    file: `${crypto}/sender-keys.ts`,
    find: 'if (!equalBytes(known.signingKey, signingKey)) {',
    put: 'if (known.signingKey.length !== signingKey.length) {',
    killedBy: { file: groups, test: 'with a known chain id and another signing key is refused' },
  },
  {
    name: 'group-chain-rolled-back',
    why: 'a distribution that comes again brings used keys back, and messages are shown twice',
    file: `${crypto}/sender-keys.ts`,
    find: 'const isReachable = distribution.iteration - known.index <= FORWARD_JUMP_MAX',
    put: 'const isReachable = distribution.iteration === known.index',
    killedBy: {
      file: groups,
      test: 'is refused when its chain was handed out again, from whatever place',
    },
  },
  {
    name: 'group-retired-chain-back',
    why: 'the server keeps a distribution back, and messages are shown twice much later',
    file: `${crypto}/sender-keys.ts`,
    find: '  if (member.retired.includes(chainId)) return encodeSenderKeyRecord(member)\n',
    put: '',
    killedBy: {
      file: groups,
      test: 'is refused when its chain is handed out again after it was dropped',
    },
  },
  {
    name: 'group-skipped-unbounded',
    why: 'a member makes everybody’s store grow without end',
    file: `${crypto}/sender-keys.ts`,
    find: 'const chains = boundSkipped(replaced(member.chains, chain, stepped))',
    put: 'const chains = replaced(member.chains, chain, stepped)',
    killedBy: {
      file: groups,
      test: 'leaves no more than 2,000 keys over all chains, and the oldest go first',
    },
  },
  {
    name: 'group-chains-kept-raised',
    why: 'chains that were given up still open, and records grow',
    file: `${crypto}/sender-key-record.ts`,
    find: 'export const CHAINS_MAX = 5',
    put: 'export const CHAINS_MAX = 50',
    killedBy: { file: groups, test: 'have the bounds that are written down' },
  },
  {
    name: 'group-key-not-stepped',
    why: 'all messages to a group are encrypted with one key and one IV',
    file: `${crypto}/sender-keys.ts`,
    find: "record: encodeSenderKeyRecord({ kind: 'own', distributionId, chain: next }),",
    put: "record: encodeSenderKeyRecord({ kind: 'own', distributionId, chain }),",
    killedBy: { file: groups, test: 'brings each message to every member, once each' },
  },
  {
    name: 'group-chain-kept-in-rotation',
    why: 'who was removed reads on',
    file: `${crypto}/sender-keys.ts`,
    find: 'const key = drawn(input.random, CHAIN_KEY_BYTES)',
    put: 'const key = concatBytes(distributionId, distributionId)',
    killedBy: { file: groups, test: 'shuts out whoever has only the chain before' },
  },
  {
    name: 'group-signing-key-kept-in-rotation',
    why: 'a signing key that was stolen once signs for ever',
    file: `${crypto}/sender-keys.ts`,
    find: 'const seed = drawn(input.random, SEED_BYTES)',
    put: 'const seed = concatBytes(distributionId, distributionId)',
    killedBy: { file: groups, test: 'of two sender keys have nothing in common' },
  },
  {
    name: 'group-not-compared',
    why: 'a message to one group is shown in another',
    file: `${crypto}/sender-keys.ts`,
    find: 'if (!equalBytes(decoded.distributionId, distributionId)) {',
    put: 'if (decoded.distributionId.length !== distributionId.length) {',
    killedBy: { file: groups, test: 'is bound to its group' },
  },
  {
    name: 'group-unusable-key-accepted',
    why: 'of a message that one device takes for genuine another one says that it is forged',
    file: `${crypto}/sender-keys.ts`,
    find: 'if (!canVerify(signingKey)) {',
    put: 'if (!canVerify(signingKey) && input.record === undefined) {',
    killedBy: { file: groups, test: 'with an unusable signing key is refused' },
  },
  {
    name: 'group-chain-never-used-up',
    why: 'after four thousand million messages keys come up again',
    file: `${crypto}/sender-keys.ts`,
    find: 'chain.index >= COUNTER_MAX',
    put: 'chain.index > COUNTER_MAX',
    killedBy: { file: groups, test: 'that is used up sends nothing more' },
  },
]
