/** Makes happen what the schedule says, and undoes it. */
import type { SimRandom } from '@parley/testkit'
import type { ClientProgram } from './client-program.ts'
import type { Proxy } from './proxy.ts'
import type { Fault, Happening } from './schedule.ts'
import type { ServerKeeper } from './server-keeper.ts'
import type { SmallDisk } from './small-disk.ts'

export interface World {
  keeper: ServerKeeper
  /** Nothing that goes through `raw` is encrypted by its sender and sent again when it is broken. */
  proxies: { raw: Proxy; sdk: Proxy }
  disk: SmallDisk
  /** Those that may be killed. */
  killable: readonly ClientProgram[]
  random: SimRandom
  tell(line: string): void
}

/** How often each kind has happened; a full disk only where it can be filled. */
export type Happened = Record<Fault['kind'], number>

const stepMs = 25
const upMsMax = 30_000

export class Faults {
  readonly happened: Happened = {
    ...{ kill: 0, pause: 0, 'full-disk': 0, clock: 0 },
    ...{ cut: 0, 'half-open': 0, mutilate: 0, 'kill-client': 0 },
  }
  readonly #world: World
  readonly #underWay = new Set<Promise<void>>()

  constructor(world: World) {
    this.#world = world
  }

  /** Returns when the load is over, or was stopped. */
  async run(schedule: readonly Happening[], loadMs: number, stop: AbortSignal): Promise<void> {
    const startedMs = performance.now()
    const elapsedMs = () => performance.now() - startedMs
    for (const happening of schedule) {
      while (elapsedMs() < happening.atMs && !stop.aborted) await Bun.sleep(stepMs)
      if (stop.aborted) break
      this.#begin(happening)
    }
    while (elapsedMs() < loadMs && !stop.aborted) await Bun.sleep(stepMs)
  }

  /** Everything is whole again, and the clock right. */
  async heal(): Promise<void> {
    const { disk, keeper, proxies } = this.#world
    await Promise.all(this.#underWay)
    keeper.resume()
    keeper.stepClock(0)
    disk.empty()
    for (const proxy of Object.values(proxies)) proxy.heal()
  }

  #begin({ atMs, ...fault }: Happening): void {
    const seconds = (atMs / 1_000).toFixed(1)
    this.#world.tell(`${seconds} s: ${JSON.stringify(fault)}`)
    const work = this.#apply(fault).catch((error: unknown) => {
      this.#world.tell(`not done: ${error instanceof Error ? error.message : 'unknown'}`)
    })
    this.#underWay.add(work)
    void work.then(() => this.#underWay.delete(work))
  }

  async #apply(fault: Fault): Promise<void> {
    const { disk, keeper, killable, proxies, random } = this.#world
    const each = Object.values(proxies)
    switch (fault.kind) {
      case 'kill':
        if (!(await this.#killServer())) return
        break
      case 'pause':
        keeper.pause()
        await Bun.sleep(fault.forMs)
        keeper.resume()
        break
      case 'full-disk':
        if (!disk.fill()) return
        await Bun.sleep(fault.forMs)
        disk.empty()
        break
      case 'clock':
        keeper.stepClock(fault.offsetMs)
        break
      case 'cut':
        for (const proxy of each) proxy.cut(random, fault.share)
        break
      case 'half-open':
        for (const proxy of each) proxy.halfOpen(random, fault.share, fault.which)
        break
      case 'mutilate':
        for (const proxy of fault.how === 'ciphertext' ? [proxies.sdk] : each) {
          proxy.mutilate(random, fault.share, fault.how)
        }
        break
      case 'kill-client': {
        const program = killable[fault.which % Math.max(killable.length, 1)]
        if (!program) return
        await program.kill()
      }
    }
    this.happened[fault.kind]++
  }

  /** Waits for one to kill when the last kill is not over yet. */
  async #killServer(): Promise<boolean> {
    const endMs = performance.now() + upMsMax
    while (performance.now() < endMs) {
      if (this.#world.keeper.kill()) return true
      await Bun.sleep(stepMs)
    }
    return false
  }
}
