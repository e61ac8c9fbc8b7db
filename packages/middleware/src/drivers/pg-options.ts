import { SlackwaterError } from '@slackwater/shared';

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

const names = ['partition', 'ensure', 'writingFunctions', 'probeTimeoutMs'];

/** Refuses what observe() can't mean. Throws `option-missing`, `option-unknown` or `option-invalid`. */
export function checkObserveOptions(options: unknown, isGlobal: boolean): asserts options is ObserveOptions {
  if (typeof options !== 'object' || options === null) {
    throw new SlackwaterError(
      'option-invalid',
      `observe(): ${said(options)}; give an object, { partition: 'orders' }.`,
    );
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw new SlackwaterError(
        'option-unknown',
        `observe() knows no option ${name}; it knows ${names.join(', ')}.`,
      );
    }
  }
  const { partition, ensure, writingFunctions, probeTimeoutMs } = options as Record<string, unknown>;
  if (!isGlobal) checkPartition(partition);
  if (ensure !== undefined && typeof ensure !== 'boolean') {
    throw invalid('ensure', ensure, 'give true or false');
  }
  if (
    writingFunctions !== undefined &&
    !(
      Array.isArray(writingFunctions) &&
      writingFunctions.every((name) => typeof name === 'string' && name !== '')
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

function checkPartition(partition: unknown): void {
  if (partition === undefined) {
    throw new SlackwaterError(
      'option-missing',
      "observe() needs the option partition: a name for what the pool's commits go to.",
    );
  }
  if (typeof partition !== 'string' || partition === '' || partition.length > 200) {
    throw invalid('partition', partition, 'give a name of 1 to 200 characters');
  }
}

function invalid(name: string, value: unknown, intention: string): SlackwaterError {
  return new SlackwaterError('option-invalid', `${name}: ${said(value)}; ${intention}.`);
}

function said(value: unknown): string {
  if (value === null) return 'null is no value here';
  if (Array.isArray(value)) return `${JSON.stringify(value).slice(0, 60)} is an array`;
  const kind = typeof value;
  const text = kind === 'string' ? JSON.stringify(value) : kind === 'object' ? 'this' : String(value);
  return `${text.slice(0, 60)} is ${kind === 'undefined' || kind === 'object' ? `an ${kind}` : `a ${kind}`}`;
}
