import { SlackwaterError } from '@slackwater/shared';

/** Refuses options that are no object or have names that are not known: `option-invalid`, `option-unknown`. `of` is what they are for. */
export function checkNames(
  options: unknown,
  names: readonly string[],
  of = 'observe()',
): asserts options is object {
  if (typeof options !== 'object' || options === null) {
    throw new SlackwaterError(
      'option-invalid',
      `${of}: ${said(options)}; give an object, { partition: 'orders' }.`,
    );
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw new SlackwaterError(
        'option-unknown',
        `${of} knows no option ${name}; it knows ${names.join(', ')}.`,
      );
    }
  }
}

/** Refuses what is no name of a partition: `option-missing`, `option-invalid`. `what` is observed. */
export function checkPartition(partition: unknown, what: 'pool' | 'database', of = 'observe()'): void {
  if (partition === undefined) {
    throw new SlackwaterError(
      'option-missing',
      `${of} needs the option partition: a name for what the ${what}'s commits go to.`,
    );
  }
  if (typeof partition !== 'string' || partition === '' || partition.length > 200) {
    throw invalid('partition', partition, 'give a name of 1 to 200 characters');
  }
}

/** The error for a value that an option can't have, with what to give instead. */
export function invalid(name: string, value: unknown, intention: string): SlackwaterError {
  return new SlackwaterError('option-invalid', `${name}: ${said(value)}; ${intention}.`);
}

function said(value: unknown): string {
  if (value === null) return 'null is no value here';
  if (Array.isArray(value)) return `${JSON.stringify(value).slice(0, 60)} is an array`;
  const kind = typeof value;
  const text = kind === 'string' ? JSON.stringify(value) : kind === 'object' ? 'this' : String(value);
  return `${text.slice(0, 60)} is ${kind === 'undefined' || kind === 'object' ? `an ${kind}` : `a ${kind}`}`;
}
