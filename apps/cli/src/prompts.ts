/** Questions, asked on a terminal only. Prompts are drawn on stderr: stdout is for data. */
import * as clack from '@clack/prompts'
import { CliFailure, exitStatus } from './failure.ts'
import type { Terminal } from './cli.ts'

export async function askCode({ stdin, stderr, stop }: Terminal): Promise<string> {
  const answer = await clack.text({
    message: 'Code',
    input: stdin,
    output: stderr,
    signal: stop,
    validate: (value) => (/^\d{4,10}$/.test(value?.trim() ?? '') ? undefined : 'Type the digits.'),
  })
  if (clack.isCancel(answer)) throw cancelled()
  return answer.trim()
}

export async function confirm(
  { stdin, stderr, stop }: Terminal,
  message: string,
): Promise<boolean> {
  const answer = await clack.confirm({
    message,
    initialValue: false,
    input: stdin,
    output: stderr,
    signal: stop,
  })
  if (clack.isCancel(answer)) throw cancelled()
  return answer
}

function cancelled(): CliFailure {
  return new CliFailure(exitStatus.failed, 'Cancelled; nothing was changed.')
}
