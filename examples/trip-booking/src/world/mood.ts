/** How a service of the world behaves for a while. */
export interface Mood {
  /**
   * `refuses`: answers 409 and does nothing. `forgets`: does it, and breaks the connection before the answer. `hangs`: does it, and never answers.
   */
  readonly is: 'refuses' | 'forgets' | 'hangs';
  /** Of what it does that: of taking something, or of giving it back. */
  readonly of: 'take' | 'give-back';
  /** How often, before it is well again. */
  readonly times: number;
}

/** The mood of one service. */
export interface Moods {
  set(mood: Mood): void;
  /** What it does now; undefined where it is well. Counts. */
  now(of: Mood['of']): Mood['is'] | undefined;
}

/** A service that is well until it is told otherwise. */
export function moods(): Moods {
  let mood: Mood | undefined;
  let left = 0;
  return {
    set(next) {
      mood = next;
      left = next.times;
    },
    now(of) {
      if (mood?.of !== of || left === 0) return undefined;
      left -= 1;
      return mood.is;
    },
  };
}

/** Reads a mood that somebody sent; undefined where it is none. */
export function readMood(body: unknown): Mood | undefined {
  const { is, of = 'take', times = 1 } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const isKnown = is === 'refuses' || is === 'forgets' || is === 'hangs';
  if (!isKnown || (of !== 'take' && of !== 'give-back')) return undefined;
  return typeof times === 'number' && Number.isInteger(times) && times >= 0 ? { is, of, times } : undefined;
}
