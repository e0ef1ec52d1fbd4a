// Records vectors/crypto/libsignal-*.json: messages of the official library, with our keys and our
// stored sessions that open them, so that later code can be held to today's wire and records. Run by
// hand, for a transcript that is new: bun tests/interop/record-transcripts.ts NAME…

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKeyPair } from '@parley/crypto'
import { toBase64 } from './bytes.ts'
import { OracleGroupParty } from './group-parties.ts'
import { oracleProgram, PINNED_ORACLE } from './install.ts'
import type { Oracle } from './oracle-link.ts'
import { startOracle } from './oracle-process.ts'
import { OURS, random, Recording, THEIRS } from './recording.ts'
import { GroupRecording } from './recording-groups.ts'

const VECTORS = join(import.meta.dirname, '../../vectors/crypto')
const SAFETY_NUMBERS = 3
const EPOCHS = 4
const DISTRIBUTION_ID = '0d8ad0a4-2f3c-4d0e-9a1b-5c6d7e8f9a0b'

const transcripts: Record<string, (oracle: Oracle) => Promise<unknown>> = {
  /** A first message of which any number may come, and no one-time prekey. */
  async 'no-one-time'(oracle) {
    const recording = await Recording.start(oracle)
    await recording.theyConnect({ oneTime: false })
    const [first, second, third] = [
      await recording.hear('first'),
      await recording.hear('second'),
      await recording.hear('third'),
    ]
    await recording.opens(second)
    await recording.opens(first)
    await recording.send('an answer')
    await recording.opens(await recording.hear('fourth'))
    await recording.opens(third)
    await recording.refuses(second)
    return recording.transcript()
  },

  /** Both make a session before they hear of the other's. */
  async simultaneous(oracle) {
    const recording = await Recording.start(oracle)
    await recording.theyConnect({ oneTime: true })
    await recording.weConnect()
    const crossing = await recording.seal('from us')
    await recording.opens(await recording.hear('from them'))
    await recording.arrives(crossing)
    const late = await recording.hear('late')
    await recording.send('again')
    for (const text of ['one', 'two', 'three']) {
      await recording.opens(await recording.hear(text))
      await recording.send(`after ${text}`)
    }
    await recording.opens(late)
    await recording.refuses(late)
    return recording.transcript()
  },

  /** A session is replaced, by them and by us, while messages of the old one are under way. */
  async reset(oracle) {
    const recording = await Recording.start(oracle)
    await recording.theyConnect({ oneTime: true })
    await recording.opens(await recording.hear('hello'))
    await recording.send('hello yourself')
    const ofTheFirst = await recording.hear('under way during their reset')
    await recording.theyConnect({ oneTime: true })
    await recording.opens(await recording.hear('after their reset'))
    await recording.opens(ofTheFirst)
    await recording.send('in the new session')
    const ofTheSecond = await recording.hear('under way during our reset')
    await recording.weConnect()
    await recording.opens(ofTheSecond)
    await recording.send('after our reset')
    await recording.opens(await recording.hear('in the last session'))
    await recording.refuses(ofTheFirst)
    await recording.refuses(ofTheSecond)
    return recording.transcript()
  },

  /** From one epoch of the post-quantum ratchet to the next, with a straggler of each. */
  async epochs(oracle) {
    const recording = await Recording.start(oracle)
    await recording.theyConnect({ oneTime: true })
    await recording.opens(await recording.hear('hello'))
    await recording.send('hello yourself')
    let straggler = await recording.hear('of the first epoch')
    for (let epoch = 2; epoch <= EPOCHS; epoch++) {
      await recording.talkUntilEpoch(epoch)
      const [first, second, third] = [
        await recording.hear(`first of epoch ${epoch}`),
        await recording.hear(`second of epoch ${epoch}`),
        await recording.hear(`third of epoch ${epoch}`),
      ]
      await recording.opens(second)
      await recording.opens(straggler)
      await recording.opens(first)
      await recording.refuses(straggler)
      straggler = third
    }
    return recording.transcript()
  },

  /** We come to know a key late, and then a second one. */
  async group(oracle) {
    const distributionId = DISTRIBUTION_ID
    const party = await OracleGroupParty.start({
      oracle,
      ours: OURS,
      theirs: THEIRS,
      distributionId,
    })
    const recording = new GroupRecording(party)
    await party.rotate()
    const early = [await recording.hear('before us'), await recording.hear('still before us')]
    await recording.accepts(await party.distribution())
    const old = []
    for (let i = 0; i < 6; i++) old.push(await recording.hear(`${i} with the first key`))
    const [zero, one, two, three, four, five] = old
    for (const message of [zero, three, one]) await recording.opens(message)
    for (const message of [...early, three]) await recording.refuses(message)
    await party.rotate()
    await recording.accepts(await party.distribution())
    const next = []
    for (let i = 0; i < 3; i++) next.push(await recording.hear(`${i} with the second key`))
    const [first, second, third] = next
    for (const message of [second, five]) await recording.opens(message)
    recording.stored()
    for (const message of [third, two, first, four]) await recording.opens(message)
    for (const message of [second, two]) await recording.refuses(message)
    return { distributionId, ...recording.transcript() }
  },

  async 'safety-numbers'(oracle) {
    const numbers = []
    for (let i = 0; i < SAFETY_NUMBERS; i++) {
      const input = {
        localId: toBase64(random(16)),
        localKey: toBase64(generateKeyPair(random).publicKey),
        remoteId: toBase64(random(16)),
        remoteKey: toBase64(generateKeyPair(random).publicKey),
      }
      numbers.push({ ...input, ...(await oracle.ask({ op: 'fingerprint', ...input })) })
    }
    return { numbers }
  },
}

await using oracle = startOracle(oracleProgram(PINNED_ORACLE))
for (const name of process.argv.slice(2)) {
  const record = transcripts[name]
  if (record === undefined) throw new Error(`there are ${Object.keys(transcripts).join(', ')}`)
  const source = `@signalapp/libsignal-client ${PINNED_ORACLE}, recorded by tests/interop`
  const text = JSON.stringify({ source, ...((await record(oracle)) as object) }, undefined, 1)
  writeFileSync(join(VECTORS, `libsignal-${name}.json`), `${text}\n`)
}
