/** `parley safety-number`: what two people compare to know that nobody is between them. */
import type { Command } from 'commander'
import { examples } from '../cli.ts'
import type { MakeCli } from '../cli.ts'
import { CliFailure, exitStatus } from '../failure.ts'

interface SafetyNumberOptions {
  accept?: boolean
  verified?: boolean
}

export function addSafetyNumber(program: Command, makeCli: MakeCli): void {
  program
    .command('safety-number <TO>')
    .description('show the number that both of you must see the same')
    .option('--accept', 'go on writing to this person although the number has changed')
    .option('--verified', 'you compared it: remember that')
    .addHelpText(
      'after',
      examples(
        'parley safety-number +4915112345678',
        'parley safety-number +4915112345678 --verified',
      ),
    )
    .action(async (to: string, options: SafetyNumberOptions, command: Command) => {
      const cli = makeCli(command)
      if (options.accept && options.verified) {
        throw new CliFailure(exitStatus.usage, 'Give --accept or --verified, not both.')
      }
      await using profile = await cli.openProfile()
      const { account: conversation } = await profile.call('findContact', to)
      const safetyNumber = await profile.call('safetyNumber', conversation)
      if (options.accept || options.verified) await profile.call('acceptKey', conversation)
      // Refused when it is not this number any more.
      if (options.verified) await profile.call('setVerified', conversation, true, safetyNumber)
      const { verified, keyChanged } = await profile.call('chat', conversation)
      const { output } = cli
      await output.data(
        { conversation, safety_number: safetyNumber, verified, changed: keyChanged },
        output.accent(inGroups(safetyNumber)),
      )
      if (keyChanged) output.say('It has changed since you last wrote. Compare it, then --accept.')
      else if (verified) output.say('You have compared it.')
    })
}

/** Four rows of three groups of five digits. */
function inGroups(digits: string): string {
  const groups = digits.replaceAll(/\s/g, '').match(/\d{1,5}/g) ?? []
  const rows = Array.from({ length: Math.ceil(groups.length / 4) }, (_, row) =>
    groups.slice(row * 4, row * 4 + 4).join(' '),
  )
  return rows.join('\n')
}
