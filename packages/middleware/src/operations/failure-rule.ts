/** How often tasks of a type may fail. */
export interface FailureRule {
  /** The type of task; undefined for all of which no rule speaks by name. */
  readonly task: string | undefined;
  /** More often than this, within the window, is too often. */
  readonly count: number;
  readonly windowMs: number;
}

/** The rules for a type of task: those that name it, else those for all. Pure. */
export function rulesFor(rules: readonly FailureRule[], task: string): readonly FailureRule[] {
  const own = rules.filter((rule) => rule.task === task);
  return own.length > 0 ? own : rules.filter((rule) => rule.task === undefined);
}

/** How many of the newest failures tell by a rule whether the last one is too many. */
export function neededFailures({ count }: Pick<FailureRule, 'count'>): number {
  return 2 * count + 1;
}

/** How many of the newest failures lie in the window that the last one ends, itself included. Pure. */
export function countInWindow(timesMs: readonly number[], { windowMs }: FailureRule): number {
  const [last = 0] = timesMs;
  const outside = timesMs.findIndex((at) => last - at >= windowMs);
  return outside === -1 ? timesMs.length : outside;
}

/**
 * Whether it became too often with the last failure, and had not been too often for a window before. So failures at a rate about the
 * threshold, which are too many time and again, are one issue. Pure: whoever asks about an entry hears the same.
 *
 * @param timesMs when failures were, the newest first, Unix milliseconds; of all {@link neededFailures}, where there are so many
 */
export function isCrossing(
  timesMs: readonly number[],
  rule: Pick<FailureRule, 'count' | 'windowMs'>,
): boolean {
  const { count, windowMs } = rule;
  const isTooOften = (last: number): boolean => {
    const [at, first] = [timesMs[last], timesMs[last + count]];
    return at !== undefined && first !== undefined && at - first < windowMs;
  };
  const [now = 0] = timesMs;
  const within = timesMs.findIndex((at) => now - at >= windowMs);
  const earlier = timesMs.slice(1, within === -1 ? undefined : within);
  return isTooOften(0) && !earlier.some((_, before) => isTooOften(before + 1));
}
