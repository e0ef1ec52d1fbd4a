/** Calls and comments that may not be, each with what to write instead. */
import { sourceOf } from './source.ts'
import { isCode, isTest, lineAt } from './tree.ts'
import type { Finding, TextFile, Tree } from './tree.ts'

interface Ban {
  pattern: RegExp
  says: string
  /** Where it may be after all. */
  except: (path: string) => boolean
}

/**
 * Where time, timers and randomness come from the machine: everywhere else they are given in, so
 * that the simulator can drive the code.
 */
function isPlatform(path: string): boolean {
  return (
    path.includes('/platform/') ||
    path.startsWith('packages/testkit/') ||
    path.startsWith('bench/') ||
    /^apps\/[a-z]+\/src\/main\.tsx?$/.test(path) ||
    (isTest(path) && !path.endsWith('.test.ts')) ||
    path.startsWith('tools/')
  )
}

const nowhere = () => false

const bans: readonly Ban[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)/g,
    says: 'Ask the clock that was given in (clock.now()).',
    except: isPlatform,
  },
  {
    pattern: /\bperformance\.now\b/g,
    says: 'Ask the clock that was given in (clock.now()).',
    except: (path) => isPlatform(path) || isTest(path),
  },
  {
    pattern: /\bMath\.random\b/g,
    says: 'Use the random source that was given in; it is a CSPRNG, or a seeded one in a test.',
    except: nowhere,
  },
  {
    pattern: /\bcrypto\.(getRandomValues|randomUUID|randomBytes)\b/g,
    says: 'Use the random source that was given in.',
    except: (path) => isPlatform(path) || path.startsWith('tests/'),
  },
  {
    pattern: /\b(setTimeout|setInterval)\b|\b(Bun\.)?sleep(Sync)?\(/g,
    says: 'Use clock.after() of the clock that was given in, or wait for the event itself.',
    except: isPlatform,
  },
  {
    pattern: /\bsetImmediate\b/g,
    says: 'Use the scheduler that was given in, so that the simulator decides the order.',
    except: (path) => isPlatform(path) || isTest(path),
  },
  {
    pattern: /\bconsole\.[a-z]+\(/g,
    says: 'A package does not print: log through the logger that was given in, or return it.',
    except: (path) => !path.startsWith('packages/') || isTest(path),
  },
  {
    pattern: /\bexport default\b/g,
    says: 'Export it by name.',
    except: (path) => /\.config\.ts$/.test(path),
  },
]

const commentBans: readonly Ban[] = [
  {
    pattern: /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/g,
    says: 'Do it, or write it as TODO(#123) with the number of its issue.',
    except: nowhere,
  },
  {
    pattern: /\b(oxlint|eslint)-disable(?!.* -- )|\bbiome-ignore\b|@ts-(ignore|nocheck)/g,
    says: 'Fix what is found, or give the reason: oxlint-disable-next-line rule -- why.',
    except: nowhere,
  },
]

export function checkBans(tree: Tree): Finding[] {
  return tree.files.filter((file) => isCode(file.path)).flatMap(bansIn)
}

function bansIn(file: TextFile): Finding[] {
  const { code, comments } = sourceOf(file)
  const found = (list: readonly Ban[], text: string) =>
    list
      .filter((ban) => !ban.except(file.path))
      .flatMap((ban) =>
        [...text.matchAll(ban.pattern)].map((match) => ({
          path: file.path,
          line: lineAt(file.text, match.index),
          rule: 'banned',
          says: `${match[0].replace(/\($/, '')}: ${ban.says}`,
        })),
      )
  return [...found(bans, code), ...found(commentBans, comments)]
}

/** In every text file, documents too. */
const machinePath = /(?<![\w.~/])\/(work|root|home|Users)\/[\w.-]+/g

export function checkMachinePaths(tree: Tree): Finding[] {
  return tree.files.flatMap((file) =>
    [...file.text.matchAll(machinePath)].map((match) => ({
      path: file.path,
      line: lineAt(file.text, match.index),
      rule: 'machine-path',
      says: `${match[0]} is a path of one machine. Write it from the repository's root, or find it at run time.`,
    })),
  )
}
