/**
 * `npm run dev`: the server, restarted when its code changes, and the web app as Vite serves it,
 * updated in place. No build step.
 */
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const bin = join(root, 'node_modules/.bin')
/** apps/web/vite.config.ts hands /v1 on to this port. */
const serverPort = 8080
const webPort = 5173
const origins = [`http://127.0.0.1:${webPort}`, `http://localhost:${webPort}`]

function start(folder: string, ...command: string[]) {
  const [program = '', ...options] = command
  return Bun.spawn([join(bin, program), ...options], {
    cwd: join(root, folder),
    stdio: ['inherit', 'inherit', 'inherit'],
  })
}

const server = start(
  '.',
  'bun',
  '--watch',
  'apps/server/src/main.ts',
  ...['--port', String(serverPort), '--web-dir', 'apps/web/public'],
  ...['--allowed-origins', origins.join(','), ...process.argv.slice(2)],
)
const web = start(
  'apps/web',
  'vite',
  '--host',
  '127.0.0.1',
  '--port',
  String(webPort),
  '--strictPort',
)

const stop = () => {
  server.kill()
  web.kill()
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
await Promise.race([server.exited, web.exited])
stop()
await Promise.all([server.exited, web.exited])
