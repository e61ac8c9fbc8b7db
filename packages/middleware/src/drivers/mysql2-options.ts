import { checkNames, checkPartition, invalid } from './observe-options.ts';

/** How a pool, or a single connection, of `mysql2` is observed. */
export interface ObserveMysql2Options {
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
   * Names, without their schema, of the database's own functions and procedures that write. Default none. Other calls
   * of functions count as reading, and a CALL counts as writing where its answer says that rows were affected. None needs it
   * that is called inside a transaction together with a statement that writes.
   */
  readonly writingFunctions?: readonly string[];
}

/** How the pools of a cluster are observed. */
export interface ObserveMysql2ClusterOptions extends Omit<ObserveMysql2Options, 'partition'> {
  /** One name for all its pools, or a function that gives a pool's by the id under which it was added. */
  readonly partition: string | ((id: string) => string);
}

/** Refuses what observe() can't mean. Throws `option-missing`, `option-unknown` or `option-invalid`. */
export function checkMysql2Options(
  options: unknown,
  what: 'pool' | 'cluster',
): asserts options is ObserveMysql2Options | ObserveMysql2ClusterOptions {
  checkNames(options, ['partition', 'ensure', 'writingFunctions']);
  const { partition, ensure, writingFunctions } = options as Record<string, unknown>;
  if (ensure !== undefined && typeof ensure !== 'boolean') {
    throw invalid('ensure', ensure, 'give true or false');
  }
  if (what === 'pool' || typeof partition !== 'function') checkPartition(partition, 'pool');
  const areNames =
    Array.isArray(writingFunctions) &&
    [...writingFunctions].every((name) => typeof name === 'string' && name !== '');
  if (writingFunctions !== undefined && !areNames) {
    throw invalid('writingFunctions', writingFunctions, "give an array of names, ['book_order']");
  }
}
