/**
 * A disk of the server's own that can be filled without harm to the machine: an ext4 file system
 * in a file, or in memory where there is no such. Both need root.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

export interface SmallDisk {
  folder: string
  /** What it is, for the report. */
  kind: 'ext4' | 'tmpfs' | 'none'
  /** Takes everything that is free; false when that cannot be done here. */
  fill(): boolean
  empty(): void
  /** After everybody has left it. */
  end(): void
}

/** What may stay free of a full disk. */
const leftBytesMax = 64 * 1024

function succeeds(...command: string[]): boolean {
  try {
    const options = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const
    return Bun.spawnSync(command, options).success
  } catch {
    return false
  }
}

/** `bytes` at most; a file system in a file takes what is used of it. */
export function openSmallDisk(at: string, bytes: number): SmallDisk {
  const folder = join(at, 'disk')
  const image = join(at, 'disk.image')
  mkdirSync(folder)
  const kind = mounted({ folder, image, bytes })
  const ballast = join(folder, 'ballast')
  const empty = () => rmSync(ballast, { force: true })
  return {
    folder: join(folder, 'data'),
    kind,
    empty,
    fill() {
      if (kind === 'none') return false
      const free = () => statfsSync(folder).bavail * statfsSync(folder).bsize
      // It says no when the last blocks are not to be had, and keeps all the others.
      succeeds('fallocate', '-l', String(free()), ballast)
      if (free() < leftBytesMax) return true
      empty()
      return false
    },
    end() {
      if (kind === 'none') return
      empty()
      // A process that was killed may still be on its way out.
      if (!succeeds('umount', folder)) succeeds('umount', '-l', folder)
      rmSync(image, { force: true })
    },
  }
}

function mounted(disk: { folder: string; image: string; bytes: number }): SmallDisk['kind'] {
  if (process.getuid?.() !== 0) return 'none'
  const { bytes, folder, image } = disk
  const file = openSync(image, 'w')
  ftruncateSync(file, bytes)
  closeSync(file)
  const isMade = succeeds('mkfs.ext4', '-q', '-m', '0', image)
  if (isMade && succeeds('mount', '-o', 'loop', image, folder)) return 'ext4'
  rmSync(image)
  const size = `size=${bytes}`
  return succeeds('mount', '-t', 'tmpfs', '-o', size, 'tmpfs', folder) ? 'tmpfs' : 'none'
}
