/**
 * The operations of `npm run bench -- crypto`, the same for both implementations: each is a
 * `Subject`, and runs these in a thread or process of its own.
 */

/** Bytes of a message. */
const PLAINTEXT_BYTES = 1024
/** Two devices of each of 256 members. */
const FAN_OUT_DEVICES = 512

export interface Subject<Device, Bundle, Sealed, Group> {
  device(): Device
  bundle(of: Device): Bundle
  /** A new session, one that is there is forgotten. */
  connect(from: Device, to: Device, bundle: Bundle): Promise<void>
  forgetSessions(device: Device): void
  send(from: Device, to: Device, plaintext: Uint8Array): Promise<Sealed>
  receive(to: Device, from: Device, sealed: Sealed): Promise<void>
  /** A sender and a receiver who has the sender's key. */
  group(): Promise<Group>
  distribution(group: Group): Uint8Array
  groupSeal(group: Group, plaintext: Uint8Array): Promise<Uint8Array>
  groupOpen(group: Group, ciphertext: Uint8Array): Promise<void>
}

export type Operation =
  | 'session-setup'
  | 'first-decrypt'
  | 'encrypt'
  | 'decrypt'
  | 'decrypt-dh-step'
  | 'sender-key-encrypt'
  | 'sender-key-decrypt'
  | 'fan-out-512'

export interface Task {
  operation: Operation
  repetitions: number
}

/** Microseconds for one repetition. */
export type Run = (task: Task) => Promise<number>

export function runnerOf<D, B, S, G>(subject: Subject<D, B, S, G>): Run {
  const measures = { ...sessionMeasures(subject), ...senderKeyMeasures(subject) }
  return ({ operation, repetitions }) => measures[operation](repetitions)
}

type Measure = (repetitions: number) => Promise<number>
const plaintext = new Uint8Array(PLAINTEXT_BYTES).fill(7)

function sessionMeasures<D, B, S, G>(subject: Subject<D, B, S, G>) {
  async function sealed(from: D, to: D, repetitions: number): Promise<S[]> {
    const messages: S[] = []
    for (let i = 0; i < repetitions; i++) messages.push(await subject.send(from, to, plaintext))
    return messages
  }
  return {
    async 'session-setup'(repetitions) {
      const alice = subject.device()
      const peers = times(repetitions, () => {
        const device = subject.device()
        return { device, bundle: subject.bundle(device) }
      })
      return timed(peers, ({ device, bundle }) => subject.connect(alice, device, bundle))
    },
    async 'first-decrypt'(repetitions) {
      const [alice, bob] = [subject.device(), subject.device()]
      const messages: S[] = []
      for (let i = 0; i < repetitions; i++) {
        await subject.connect(alice, bob, subject.bundle(bob))
        messages.push(await subject.send(alice, bob, plaintext))
      }
      return timed(messages, (message) => {
        subject.forgetSessions(bob)
        return subject.receive(bob, alice, message)
      })
    },
    async encrypt(repetitions) {
      const [alice, bob] = await acquainted(subject)
      return timed(Array(repetitions), () => subject.send(alice, bob, plaintext))
    },
    async decrypt(repetitions) {
      const [alice, bob] = await acquainted(subject)
      const messages = await sealed(alice, bob, repetitions)
      return timed(messages, (message) => subject.receive(bob, alice, message))
    },
    async 'decrypt-dh-step'(repetitions) {
      let [from, to] = await acquainted(subject)
      let total = 0
      for (let i = 0; i < repetitions; i++) {
        const message = await sealed(from, to, 1)
        total += await timed(message, (one) => subject.receive(to, from, one))
        ;[from, to] = [to, from]
      }
      return total / repetitions
    },
  } satisfies Partial<Record<Operation, Measure>>
}

function senderKeyMeasures<D, B, S, G>(subject: Subject<D, B, S, G>) {
  let peersMade: Promise<readonly (readonly [D, D])[]> | undefined
  return {
    async 'sender-key-encrypt'(repetitions) {
      const group = await subject.group()
      return timed(Array(repetitions), () => subject.groupSeal(group, plaintext))
    },
    async 'sender-key-decrypt'(repetitions) {
      const group = await subject.group()
      const sealed: Uint8Array[] = []
      for (let i = 0; i < repetitions; i++) sealed.push(await subject.groupSeal(group, plaintext))
      return timed(sealed, (message) => subject.groupOpen(group, message))
    },
    async 'fan-out-512'(repetitions) {
      peersMade ??= Promise.all(times(FAN_OUT_DEVICES, () => acquainted(subject)))
      const peers = await peersMade
      const distribution = subject.distribution(await subject.group())
      return timed(Array(repetitions), async () => {
        for (const [alice, bob] of peers) await subject.send(alice, bob, distribution)
      })
    },
  } satisfies Partial<Record<Operation, Measure>>
}

/** Two devices that have written to each other. */
async function acquainted<D, B, S, G>(subject: Subject<D, B, S, G>): Promise<[D, D]> {
  const [alice, bob] = [subject.device(), subject.device()]
  await subject.connect(alice, bob, subject.bundle(bob))
  await subject.receive(bob, alice, await subject.send(alice, bob, plaintext))
  await subject.receive(alice, bob, await subject.send(bob, alice, plaintext))
  return [alice, bob]
}

async function timed<T>(items: T[], call: (item: T) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  for (const item of items) await call(item)
  return ((performance.now() - startedMs) * 1000) / items.length
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
