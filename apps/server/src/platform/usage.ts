/**
 * What this process uses of its machine, for /metrics: read when asked, so that it costs nothing in
 * between.
 */
import type { Metrics } from '@parley/server'

export function addUsage(metrics: Metrics): void {
  metrics.usage(() => {
    const { user, system } = process.cpuUsage()
    return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() }
  })
}
