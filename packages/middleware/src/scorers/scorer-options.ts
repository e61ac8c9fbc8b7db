import { SlackwaterError } from '@slackwater/shared';

/** Where a scorer reads, and how. */
export interface ScorerFileOptions {
  /** Path of the file, relative to the working directory. Required. */
  readonly file: string;
  /** How often a change of the file is looked for at most, ms. Default 1,000. */
  readonly reloadEveryMs?: number;
  /** Called where a changed file can't be used; what it was before goes on. Default none; then it is a warning of the process. */
  readonly onTrouble?: (error: unknown) => void;
}

/** What {@link ScorerFileOptions} are where they are left out. */
export const scorerFileDefaults = { reloadEveryMs: 1_000 } as const satisfies Partial<ScorerFileOptions>;

/** The options, whole. Throws `option-invalid` and `option-unknown`. */
export function checkFileOptions(maker: string, options: unknown): Required<ScorerFileOptions> {
  if (typeof options !== 'object' || options === null) {
    throw new SlackwaterError('option-invalid', `${maker}(): give an object, { file: '${maker}.json' }.`);
  }
  for (const name of Object.keys(options)) {
    if (['file', 'reloadEveryMs', 'onTrouble'].includes(name)) continue;
    throw new SlackwaterError(
      'option-unknown',
      `${maker}() knows no option ${name}; it knows file, reloadEveryMs, onTrouble.`,
    );
  }
  const { file, reloadEveryMs, onTrouble } = {
    ...scorerFileDefaults,
    ...options,
  } as Partial<ScorerFileOptions>;
  if (typeof file !== 'string' || file === '') {
    throw new SlackwaterError('option-invalid', `file: ${maker}() needs the path of a file as a string.`);
  }
  if (typeof reloadEveryMs !== 'number' || !(reloadEveryMs >= 10 && reloadEveryMs <= 86_400_000)) {
    throw new SlackwaterError(
      'option-invalid',
      `reloadEveryMs: ${String(reloadEveryMs)}; give a number of milliseconds from 10 to 86,400,000.`,
    );
  }
  if (onTrouble !== undefined && typeof onTrouble !== 'function') {
    throw new SlackwaterError('option-invalid', 'onTrouble: give a function of the error.');
  }
  return { file, reloadEveryMs, onTrouble: onTrouble ?? ((error) => warn(file, error)) };
}

function warn(file: string, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  process.emitWarning(`${file} has changed and can't be used, what it was before goes on: ${why}`, {
    type: 'SlackwaterWarning',
    code: 'scorer-file-unusable',
  });
}
