import { checkNames, checkPartition, invalid } from './observe-options.ts';

/** How a pool, or a single client, is observed. */
export interface ObserveOptions {
  /**
   * What its commits go to: the key under which latency is kept and work is judged. 1 to 200 characters.
   * Several pools may have the same.
   */
  readonly partition: string;
  /**
   * Whether the driver may create the table `slackwater_completions` where it is missing; else the migration in
   * docs/completion-rows.md does, and without it nothing is deferred to this partition. Default false.
   */
  readonly ensure?: boolean;
  /**
   * Names of the database's own functions that write, when they are called by SELECT. Default none. Other
   * calls of functions count as reading. No function needs it that is called inside BEGIN and COMMIT together
   * with a statement that writes.
   */
  readonly writingFunctions?: readonly string[];
  /** How long a probe of the driver's own waits for its answer, in ms. Default 2,000. */
  readonly probeTimeoutMs?: number;
}

/** How all pools and clients of `pg` are observed. */
export interface ObserveModuleOptions extends Omit<ObserveOptions, 'partition'> {
  /**
   * What their commits go to: one name for all of them, 1 to 200 characters. Default none; then each database has its own,
   * `host:port/database`.
   */
  readonly partition?: string;
}

const names = ['partition', 'ensure', 'writingFunctions', 'probeTimeoutMs'];

/** Refuses what observe() can't mean. Throws `option-missing`, `option-unknown` or `option-invalid`. */
export function checkObserveOptions(options: unknown, isModule: false): asserts options is ObserveOptions;
export function checkObserveOptions(
  options: unknown,
  isModule: true,
): asserts options is ObserveModuleOptions;
export function checkObserveOptions(options: unknown, isModule: boolean): void {
  checkNames(options, names);
  const { partition, ensure, writingFunctions, probeTimeoutMs } = options as Record<string, unknown>;
  if (!isModule || partition !== undefined) checkPartition(partition, 'pool');
  if (ensure !== undefined && typeof ensure !== 'boolean') {
    throw invalid('ensure', ensure, 'give true or false');
  }
  if (
    writingFunctions !== undefined &&
    !(
      Array.isArray(writingFunctions) &&
      [...writingFunctions].every((name) => typeof name === 'string' && name !== '')
    )
  ) {
    throw invalid('writingFunctions', writingFunctions, "give an array of function names, ['book_order']");
  }
  if (
    probeTimeoutMs !== undefined &&
    !(typeof probeTimeoutMs === 'number' && probeTimeoutMs > 0 && probeTimeoutMs <= 60_000)
  ) {
    throw invalid('probeTimeoutMs', probeTimeoutMs, 'give a number of milliseconds from 1 to 60,000');
  }
}
