/**
 * `parley serve` in the list of commands. main.ts hands it to the server with its options unread
 * (apps/server/src/config.ts knows them).
 */
import type { Command } from 'commander'

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the server and the web app (its options: parley serve --help)')
}
