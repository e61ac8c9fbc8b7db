import type { Clock } from '../clock.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { Recorder } from './gate-parts.ts';

/** A group that could not be asked is left alone for so long, ms: its trouble must not slow down the requests of others. */
const leftAloneMs = 5_000;

/** What one of the groups gave, and which. */
export interface FoundAt<Found> {
  readonly at: Recorder;
  readonly found: Found;
}

/** Asks resource groups that a request does not belong to, as far as they can be asked. */
export class OtherGroups {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #trouble: (doing: string, error: unknown) => void;
  readonly #leftAloneUntil = new Map<Recorder, number>();

  constructor(clock: Pick<Clock, 'now'>, trouble: (doing: string, error: unknown) => void) {
    this.#clock = clock;
    this.#trouble = trouble;
  }

  /**
   * What the first of them gives that gives anything; all are asked at once. Never rejects: who can't be asked counts as one
   * that gives nothing, and is told of.
   */
  async firstOf<Found>(
    groups: readonly Recorder[],
    doing: string,
    ask: (ledger: Ledger) => Promise<Found | undefined>,
  ): Promise<FoundAt<Found> | undefined> {
    const answers = await Promise.all(groups.map((one) => this.#ask(one, doing, ask)));
    return answers.find((answer) => answer !== undefined);
  }

  async #ask<Found>(
    at: Recorder,
    doing: string,
    ask: (ledger: Ledger) => Promise<Found | undefined>,
  ): Promise<FoundAt<Found> | undefined> {
    if ((this.#leftAloneUntil.get(at) ?? Number.NEGATIVE_INFINITY) > this.#clock.now()) return undefined;
    try {
      const found = await ask(await at.ledger());
      this.#leftAloneUntil.delete(at);
      return found === undefined ? undefined : { at, found };
    } catch (error) {
      this.#leftAloneUntil.set(at, this.#clock.now() + leftAloneMs);
      this.#trouble(`${doing} in group ${at.home.group}`, error);
      return undefined;
    }
  }
}
