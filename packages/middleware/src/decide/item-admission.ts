import type { ReasonCode } from '@slackwater/shared';
import type { Admissions } from './admissions.ts';
import type { ItemHold } from './candidates/item-hold.ts';

/** What becomes of a queued item's wish to be performed now. */
export type ItemAnswer =
  | {
      readonly admitted: true;
      readonly reasons: readonly ReasonCode[];
      wrote(partition: string): void;
      /** How near the partition is to postponing work now; see {@link Admissions.strainOn}. */
      strain(): number;
      finished(): void;
    }
  | {
      readonly admitted: false;
      readonly reasons: readonly ReasonCode[];
      readonly askAgainInMs: number;
      readonly closed: boolean;
    };

/** Lets queued items stand in line with the requests that arrive, by the work type that they have now. */
export class ItemAdmission {
  readonly #admissions: Pick<Admissions, 'ask' | 'askAgainInMs' | 'isClosed' | 'strainOn'>;
  readonly #names: readonly string[];
  readonly #defaultWorkType: string;
  readonly #hold: Pick<ItemHold, 'holds'> | undefined;

  constructor(
    admissions: Pick<Admissions, 'ask' | 'askAgainInMs' | 'isClosed' | 'strainOn'>,
    options: { readonly workTypes: readonly { readonly name: string }[]; readonly defaultWorkType: string },
    hold?: Pick<ItemHold, 'holds'>,
  ) {
    this.#hold = hold;
    this.#admissions = admissions;
    this.#names = options.workTypes.map(({ name }) => name);
    this.#defaultWorkType = options.defaultWorkType;
  }

  /** An item of a work type that is no more counts as one of the default work type. */
  admit({ partition, workType }: { readonly partition: string; readonly workType: string }): ItemAnswer {
    const known = this.#names.includes(workType) ? workType : this.#defaultWorkType;
    const rank = this.#names.indexOf(known);
    const held = this.#hold?.holds(known, partition);
    if (held !== undefined) return { admitted: false, ...held, closed: false };
    const asked = this.#admissions.ask(rank, [partition]);
    const reasons = [asked.reason];
    if (!asked.perform) {
      const askAgainInMs = this.#admissions.askAgainInMs(rank, partition);
      return { admitted: false, reasons, askAgainInMs, closed: this.#admissions.isClosed(partition) };
    }
    const { entry } = asked;
    return {
      admitted: true,
      reasons,
      wrote: (to) => entry.wrote(to),
      strain: () => this.#admissions.strainOn(partition),
      finished: () => entry.finished(),
    };
  }
}
