/** How quickly something was done, and what it took this process. */
export interface Spent {
  readonly perSecond: number;
  /** Processor time of one, µs. */
  readonly processorUs: number;
}

/** Does work that does `count` things. */
export async function spentOn(count: number, work: () => Promise<unknown>): Promise<Spent> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const tookS = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: count / tookS, processorUs: (user + system) / count };
}
