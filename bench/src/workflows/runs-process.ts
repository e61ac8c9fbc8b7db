/** A process in which operations of three stages of three tasks are run, by one library on one database. */
export interface RunsProcess {
  /** Opens it. Resolves with how it is set, in words. */
  open(): Promise<string>;
  /** Runs so many, {@link atOnce} at once, each in full before its caller begins the next. */
  run(count: number): Promise<Took>;
}

/** What running some took. */
export interface Took {
  readonly perSecond: number;
  /** From the start of one to its end: the median, and the 99th of 100, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of one in this process, all its threads, ms. */
  readonly processorMs: number;
}

/** What such a process is started with. */
export interface RunsArgument {
  /** Of PostgreSQL, in a database of its own; undefined: it has a folder of its own, and SQLite in that. */
  readonly connectionString?: string;
}

/** How many operations are under way at once. */
export const atOnce = 64;
/** How many connections to PostgreSQL each library has: the default of all of them. */
export const connections = 10;

/** Has 64 callers run so many, and says what it took. `one` resolves when one has ended, durably. */
export async function runInParallel(count: number, one: () => Promise<void>): Promise<Took> {
  const took: number[] = [];
  let left = count;
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const at = performance.now();
      await one();
      took.push(performance.now() - at);
    }
  };
  const before = process.cpuUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, caller));
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(before);
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
  return {
    perSecond: count / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    processorMs: (user + system) / 1_000 / count,
  };
}
