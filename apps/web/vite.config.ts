/**
 * How the web app is built: hashed assets, nothing inlined (the page's policy forbids it), the
 * engine's worker as a module, and the two scripts that need fixed names.
 */
import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type UserConfig } from 'vite'
import { appShell } from './build/app-shell.ts'

const fixedNames = new Set(['sw', 'theme-start'])

const config: UserConfig = {
  plugins: [react(), tailwind(), appShell()],
  worker: { format: 'es' },
  // `npm run dev` (tools/dev.ts) runs the server beside.
  server: { proxy: { '/v1': { target: 'http://127.0.0.1:8080', ws: true } } },
  optimizeDeps: { exclude: ['@sqlite.org/sqlite-wasm'] },
  build: {
    target: 'es2023',
    cssTarget: ['chrome125', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Reading a generated enum has no effect, so a tab need not carry the code of frames.
      treeshake: { propertyReadSideEffects: false },
      input: { index: 'index.html', sw: 'src/sw.ts', 'theme-start': 'src/theme-start.ts' },
      output: {
        entryFileNames: (chunk) =>
          fixedNames.has(chunk.name) ? '[name].js' : 'assets/[name]-[hash].js',
      },
    },
  },
}

export default defineConfig(({ command }) => {
  // Whoever starts the build may be a test runner, which says so in its environment; what is served
  // is always the real thing.
  if (command === 'build') process.env.NODE_ENV = 'production'
  return config
})
