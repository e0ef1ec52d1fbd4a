/** Where the owner's socket is, and how large a message through it may be. */

export const socketName = 'owner.sock'

/** A text of the greatest length, all of it escaped, fits several times. */
export const messageBytesMax = 4 * 1024 * 1024

/**
 * The system allows about a hundred characters for a socket's path, less than a folder may have: so
 * it is opened by its name alone, from inside the folder. Synchronous, so that nothing else sees
 * the other working folder.
 */
export function inFolder<T>(folder: string, open: () => T): T {
  const before = process.cwd()
  process.chdir(folder)
  try {
    return open()
  } finally {
    process.chdir(before)
  }
}
