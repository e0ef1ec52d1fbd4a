/** Files that are on the disk when it is said that they are. */
import { closeSync, fsyncSync, openSync, statfsSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'

const chunkBytes = 4 * 1024 * 1024

/** A file, or a folder with the names in it. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

export function writeDurably(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
  syncPath(path)
}

export interface Reading {
  onBytes: (bytes: number) => void
  signal: AbortSignal
}

/** SHA-256 of the file in hex. */
export async function checksumOf(path: string, reading: Reading): Promise<string> {
  return (await readThrough(path, reading, async () => {})).sha256
}

/** Copies and syncs; the SHA-256 of what was read, and its size. */
export async function copyDurably(
  from: string,
  to: string,
  reading: Reading,
): Promise<{ sha256: string; bytes: number }> {
  await using target = await open(to, 'wx', 0o600)
  const read = await readThrough(from, reading, (chunk) => writeWhole(target, chunk))
  await target.sync()
  return read
}

type Target = Awaited<ReturnType<typeof open>>

async function writeWhole(target: Target, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await target.write(chunk, written, chunk.length - written)).bytesWritten
  }
}

async function readThrough(
  path: string,
  { onBytes, signal }: Reading,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<{ sha256: string; bytes: number }> {
  const hash = new Bun.CryptoHasher('sha256')
  const buffer = new Uint8Array(chunkBytes)
  await using source = await open(path, 'r')
  for (let bytes = 0; ; ) {
    signal.throwIfAborted()
    const { bytesRead } = await source.read(buffer, 0, buffer.length, bytes)
    if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes }
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    await take(chunk)
    bytes += bytesRead
    onBytes(bytes)
  }
}

/** Bytes that may still be written where the folder is. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** The disk, or what this user may take of it. */
export function isFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'SQLITE_FULL'].includes(String(code))
}
