/** Instead of a chat: why the person behind a link was not found. */
import { useLocation } from 'wouter'
import type { ClientProblem } from '../../client/types.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { PersonIcon } from '../../ui/icons.tsx'

interface StrangerStateProps {
  problem: ClientProblem
  onRetry: () => void
}

export function StrangerState({ problem, onRetry }: StrangerStateProps) {
  const [, navigate] = useLocation()
  const isGone = problem.code === 'unknown-recipient'
  return (
    <EmptyState
      icon={<PersonIcon />}
      title="This chat cannot be opened"
      action={
        isGone ? (
          <Button onClick={() => navigate('/')}>Go to the chats</Button>
        ) : (
          <Button onClick={onRetry}>Try again</Button>
        )
      }
    >
      {problem.says}
    </EmptyState>
  )
}
