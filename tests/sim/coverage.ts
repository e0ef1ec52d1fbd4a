/** What the seeds have met: faults, frames, error paths. Says what it never met, too. */

/** By kind, then by name. */
export type Met = Record<string, Record<string, number>>

export class Coverage {
  readonly met: Met = {}

  meet(kind: string, name: string): void {
    const names = (this.met[kind] ??= {})
    names[name] = (names[name] ?? 0) + 1
  }

  add(other: Met): void {
    for (const [kind, names] of Object.entries(other)) {
      for (const [name, count] of Object.entries(names)) {
        const own = (this.met[kind] ??= {})
        own[name] = (own[name] ?? 0) + count
      }
    }
  }
}
