import { totalmem } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** How finely delays of the event loop are looked at, ms. */
const resolutionMs = 10;

/** Metrics of this process by name, and the end of what measures them. */
export interface ResourceMetrics {
  readonly readers: ReadonlyMap<string, () => number>;
  close(): void;
}

/** Those of the given names that this process can tell; what is not asked for is not measured. */
export function resourceMetrics(names: ReadonlySet<string>): ResourceMetrics {
  const readers = new Map<string, () => number>();
  const ends: (() => void)[] = [];
  const add = (name: string, make: () => () => number): void => {
    if (names.has(name)) readers.set(name, make());
  };
  add('eventLoopUtilization', utilization);
  add('eventLoopDelayMs', () => {
    const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
    histogram.enable();
    ends.push(() => histogram.disable());
    return () => {
      // Each delay has the time between two looks in it.
      const delayMs = histogram.count === 0 ? 0 : histogram.percentile(90) / 1e6 - resolutionMs;
      histogram.reset();
      return Math.max(0, delayMs);
    };
  });
  add('rssBytes', () => () => process.memoryUsage.rss());
  add('rssShare', () => () => process.memoryUsage.rss() / memoryBytes());
  add('heapShare', () => () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return used / limit;
  });
  return {
    readers,
    close() {
      for (const end of ends) end();
    },
  };
}

/** The share of the time since the last look in which the event loop was busy. */
function utilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const since = performance.eventLoopUtilization(now, last);
    last = now;
    return since.utilization;
  };
}

/** What this process may use: of a container, or of the machine. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}
