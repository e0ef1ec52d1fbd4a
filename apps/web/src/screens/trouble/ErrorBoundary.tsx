/** Keeps a failure of one part of the page to that part. */
import { Component, type ReactNode } from 'react'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { WarningIcon } from '../../ui/icons.tsx'

interface ErrorBoundaryProps {
  children: ReactNode
}

export class ErrorBoundary extends Component<ErrorBoundaryProps, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    if (!this.state.failed) return this.props.children
    return (
      <EmptyState
        icon={<WarningIcon />}
        title="This part of Parley failed"
        action={<Button onClick={() => location.reload()}>Reload</Button>}
      >
        Your messages are safe in the database. Reload the page to go on.
      </EmptyState>
    )
  }
}
