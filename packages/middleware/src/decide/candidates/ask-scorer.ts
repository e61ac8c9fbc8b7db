import type { ScoreBecause } from '@slackwater/shared';
import type { Clock } from '../../clock.ts';
import type { Scorer, ScorerFacts } from '../../scorers/scorer.ts';

/** What asking scorers stands on. */
export interface ScorerSetup {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly scorers: ReadonlyMap<string, Scorer>;
  readonly timeoutMs: number;
  /** A scorer failed; once, until it has answered again. */
  readonly onTrouble: (name: string, error: unknown) => void;
}

/** How long one that hung is left alone, ms, unless it answers before. */
const restMs = 1_000;

/** Asks scorers, each no longer than the limit. One that hangs is not asked again by every request. */
export class ScorerAsker {
  readonly #setup: ScorerSetup;
  readonly #restsUntil = new Map<string, number>();
  readonly #failing = new Set<string>();

  constructor(setup: ScorerSetup) {
    this.#setup = setup;
  }

  /** What a scorer says; undefined where it is left out. Never throws or rejects; at once where the scorer answers at once. */
  ask(name: string, facts: ScorerFacts): ScoreBecause | undefined | Promise<ScoreBecause | undefined> {
    const scorer = this.#setup.scorers.get(name);
    const { clock } = this.#setup;
    if (scorer === undefined || clock.now() < (this.#restsUntil.get(name) ?? 0)) return undefined;
    try {
      const answer: unknown = scorer.score(facts);
      return isThenable(answer) ? this.#inTime(name, answer) : this.#take(name, answer);
    } catch (error) {
      return this.#fail(name, error);
    }
  }

  #inTime(name: string, answer: PromiseLike<unknown>): Promise<ScoreBecause | undefined> {
    const { clock, timeoutMs } = this.#setup;
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, () => {
        this.#restsUntil.set(name, clock.now() + restMs);
        resolve(this.#fail(name, new Error(`It did not answer within ${timeoutMs} ms.`)));
      });
      const settle = (said: ScoreBecause | undefined): void => {
        timer.cancel();
        resolve(said);
      };
      answer.then(
        (value) => {
          this.#restsUntil.delete(name);
          settle(this.#take(name, value));
        },
        (error: unknown) => settle(this.#fail(name, error)),
      );
    });
  }

  /** Never throws, whatever stands in the answer. */
  #take(name: string, answer: unknown): ScoreBecause | undefined {
    let said: ScoreBecause | undefined;
    try {
      said = readAnswer(answer);
    } catch (error) {
      return this.#fail(name, error);
    }
    if (said === undefined) {
      return this.#fail(name, new RangeError('It gave neither { score }, { label } nor { defer }.'));
    }
    this.#failing.delete(name);
    return said;
  }

  #fail(name: string, error: unknown): undefined {
    if (!this.#failing.has(name)) {
      this.#failing.add(name);
      this.#setup.onTrouble(name, error);
    }
    return undefined;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Each member is read once, and only what can stand in a record is taken. */
function readAnswer(answer: unknown): ScoreBecause | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { score, label, defer, version, ruleId } = answer as Record<string, unknown>;
  const said: ScoreBecause = {
    ...(typeof score === 'number' && Number.isFinite(score) ? { score } : {}),
    ...(typeof label === 'string' ? { label: short(label, 200) } : {}),
    ...(typeof defer === 'boolean' ? { defer } : {}),
  };
  if (Object.keys(said).length === 0) return undefined;
  return {
    ...said,
    ...(typeof version === 'string' ? { version: short(version, 100) } : {}),
    ...(typeof ruleId === 'string' ? { ruleId: short(ruleId, 200) } : {}),
  };
}

/** Cut off, and without half a character at its end. */
function short(text: string, longest: number): string {
  return text.slice(0, longest).replace(/\p{Surrogate}/gu, '\ufffd');
}
