/**
 * The state of one work type on one partition. Commits begun before `since` (monotonic ms) say nothing about it: they
 * belong to the state before, or to a time that is known to have been bad.
 */
export type Mode =
  | { readonly kind: 'clear'; readonly since: number }
  | {
      readonly kind: 'over';
      readonly since: number;
      /** Who says so: this host's own commits, or other hosts' while it knows of none. */
      readonly by: 'own' | 'others';
      /** A commit begun since has succeeded within the threshold, and the value was not looked at yet. */
      readonly hopeful: boolean;
    }
  | {
      readonly kind: 'recovering';
      readonly since: number;
      /** How many requests may be unfinished at once; 1 or more, with fractions. */
      readonly limit: number;
      /** Good commits since the limit was last in anybody's way. */
      readonly good: number;
      /** Good commits since the limit was last halved, or since it recovers. */
      readonly proven: number;
      /** When it was last in anybody's way, monotonic ms. */
      readonly boundAt: number;
    };

/** What is known of a partition's latency from commits that the mode may look at. */
export interface Evidence {
  /** The latency value, unrounded ms; NaN where none is known. */
  readonly valueMs: number;
  /** What other hosts say it is, ms; NaN where they say nothing that counts. */
  readonly othersMs: number;
}

/** How a work type on a partition leaves its states. */
export interface ModeRules {
  readonly thresholdMs: number;
  /** Good commits in a row that make a recovering partition clear, if the limit was in nobody's way. */
  readonly minSamples: number;
  /** For so long nobody must have been turned away, besides, ms: who was told to return must have had the time to. */
  readonly quietMs: number;
  /** From this limit on it no longer binds, since something else does: the connections there are. */
  readonly limitCap: number;
}

/** Where everything begins: nothing is known to be bad. */
export const initialMode: Mode = { kind: 'clear', since: Number.NEGATIVE_INFINITY };

/**
 * The mode after a look at the latency value. The same object where nothing changed. Other hosts are listened to only
 * where nothing of this one's own is known, and what they brought about ends when they no longer say it.
 */
export function afterLook(mode: Mode, evidence: Evidence, rules: ModeRules, now: number): Mode {
  const isOver = evidence.valueMs > rules.thresholdMs;
  const isOverElsewhere = Number.isNaN(evidence.valueMs) && evidence.othersMs > rules.thresholdMs;
  switch (mode.kind) {
    case 'clear':
      if (isOver) return over(now, 'own');
      return mode === initialMode && isOverElsewhere ? over(now, 'others') : mode;
    case 'over': {
      if (mode.by === 'others' && Number.isNaN(evidence.valueMs) && !isOverElsewhere) return initialMode;
      // Without a value, or with the age of unfinished commits alone, nothing good is known.
      const isGood = mode.hopeful && evidence.valueMs <= rules.thresholdMs;
      if (isGood) return recovering(now, 1, now);
      // It was good beside too much that was bad: when that merely expires, it must not be what opens.
      return mode.hopeful ? { ...mode, hopeful: false } : mode;
    }
    case 'recovering': {
      if (!isOver) return mode;
      const limit = mode.limit / 2;
      if (limit < 1) return over(now, 'own');
      // What begins before those are answered that wait now waits behind them: it is no second sign. Bounded, as one commit
      // that was never answered must not make everybody blind for as long as it was waited for.
      return recovering(now + Math.min(evidence.valueMs, 2 * rules.thresholdMs), limit, now);
    }
  }
}

/** One finished commit. */
export interface FinishedCommit {
  /** Monotonic ms. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly committed: boolean;
}

/**
 * The mode after a commit has finished. While *over*, whatever began no later than a bad commit is no evidence of
 * recovery; while *recovering*, each good one raises the limit by a share, so that a round of good ones raises it by 1.
 */
export function afterCommit(mode: Mode, commit: FinishedCommit, rules: ModeRules, now: number): Mode {
  if (mode.kind === 'clear' || commit.startedAt < mode.since) return mode;
  const isBad = commit.durationMs > rules.thresholdMs;
  if (mode.kind === 'over' && isBad) return over(justAfter(commit.startedAt), 'own');
  if (isBad || !commit.committed) return mode;
  if (mode.kind === 'over') return mode.hopeful ? mode : { ...mode, hopeful: true };
  return raised(mode, rules, now);
}

/**
 * The mode after a probe by the driver was answered within the threshold. Only for drivers whose probes were seen to be
 * slow while commits were: a probe touches none of the application's tables.
 */
export function afterGoodProbe(mode: Mode, startedAt: number, rules: ModeRules, now: number): Mode {
  if (mode.kind === 'clear' || startedAt < mode.since) return mode;
  return mode.kind === 'over' ? recovering(now, 1, now) : raised(mode, rules, now);
}

/** The mode after a request was postponed by the limit alone: it binds. */
export function afterRefusal(mode: Mode, now: number): Mode {
  return mode.kind === 'recovering' ? { ...mode, good: 0, boundAt: now } : mode;
}

function raised(
  mode: Extract<Mode, { readonly kind: 'recovering' }>,
  { limitCap, minSamples, quietMs }: ModeRules,
  now: number,
): Mode {
  const limit = mode.limit + 1 / mode.limit;
  const good = mode.good + 1;
  const proven = mode.proven + 1;
  const isAtCap = limit >= limitCap && proven >= minSamples;
  const isUnused = good >= Math.max(minSamples, mode.limit) && now - mode.boundAt >= quietMs;
  const binds = !isAtCap && !isUnused;
  // Beyond the cap something else binds; until that is proven, one at a time even where the cap is lower.
  const next = Math.min(limit, Math.max(mode.limit, limitCap));
  return binds ? { ...mode, limit: next, good, proven } : { kind: 'clear', since: now };
}

function recovering(since: number, limit: number, boundAt: number): Mode {
  return { kind: 'recovering', since, limit, good: 0, proven: 0, boundAt };
}

function over(since: number, by: 'own' | 'others'): Mode {
  return { kind: 'over', since, by, hopeful: false };
}

/** The next instant that a clock with a resolution of a microsecond can tell from this one. */
function justAfter(instant: number): number {
  return instant + 0.001;
}
