/**
 * One message on its way: written under an id that is chosen here, then watched until it has come
 * as far as is wanted.
 */
import type { ClientProblem, MessageStatus } from '@parley/sdk'
import { CliFailure, exitStatus, failureOf } from './failure.ts'
import { newMessageId } from './platform/message-ids.ts'
import type { AccountId, MessageId } from './profile/calls.ts'
import type { Profile } from './profile/profile.ts'
import { waitFor } from './wait.ts'

export type Goal = 'accepted' | 'delivered' | 'read'

const steps: readonly MessageStatus[] = ['pending', 'accepted', 'delivered', 'read']

export function sendOne(
  profile: Profile,
  { conversation, text }: { conversation: AccountId; text: string },
): Promise<MessageId> {
  return profile.call('sendText', conversation, text, newMessageId())
}

export interface Sent {
  status: MessageStatus
  /** Why it was not sent, when failed. */
  failure: ClientProblem | undefined
}

/** How far it is once it has reached the goal, has failed, or is given up. */
export async function statusReached(
  profile: Profile,
  query: { conversation: AccountId; id: MessageId; goal: Goal; giveUp: AbortSignal },
): Promise<Sent> {
  const { conversation, id, goal, giveUp } = query
  let sent: Sent = { status: 'pending', failure: undefined }
  const read = async () => {
    const item = await profile.call('message', id)
    sent = { status: item?.status ?? 'pending', failure: item?.failure }
    return isSettled(sent, goal) ? sent : undefined
  }
  await waitFor(profile, { watched: `timeline:${conversation}`, read, giveUp })
  return sent
}

function isSettled({ status }: Sent, goal: Goal): boolean {
  return status === 'failed' || steps.indexOf(status) >= steps.indexOf(goal)
}

/** Undefined when it has come as far as was wanted. */
export function failure(
  sent: Sent,
  goal: Goal,
  context: { timeoutMs: number; says: string | undefined },
): CliFailure | undefined {
  if (sent.status === 'failed') {
    return sent.failure
      ? failureOf(sent.failure)
      : new CliFailure(exitStatus.failed, 'The message could not be sent. Send it again.')
  }
  if (isSettled(sent, goal)) return undefined
  const within = `within ${context.timeoutMs / 1000} seconds`
  if (sent.status !== 'pending') {
    const says = `The message is ${sent.status}, but was not ${goal} ${within}.`
    return new CliFailure(exitStatus.failed, says)
  }
  const why = context.says ? ` ${context.says}` : ''
  const says = `The server did not accept the message ${within}; it stays in the outbox and goes out with the next run.${why}`
  return new CliFailure(exitStatus.unreachable, says)
}
