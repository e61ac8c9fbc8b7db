import type { ReasonCode } from '@slackwater/shared';
import type { Admissions } from './admissions.ts';
import type { ItemHold } from './candidates/item-hold.ts';
import type { ItemProbes } from './item-probes.ts';

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

type Asked = Pick<Admissions, 'ask' | 'askAgainInMs' | 'isClosed' | 'strainOn' | 'modeOf'>;

/** Lets queued items stand in line with the requests that arrive, by the work type that they have now. */
export class ItemAdmission {
  readonly #admissions: Asked;
  readonly #names: readonly string[];
  readonly #defaultWorkType: string;
  readonly #hold: Pick<ItemHold, 'holds'> | undefined;
  readonly #probes: ItemProbes | undefined;

  /**
   * @param hold default: nothing is held back
   * @param probes default: whoever comes first probes
   */
  constructor(
    admissions: Asked,
    options: { readonly workTypes: readonly { readonly name: string }[]; readonly defaultWorkType: string },
    hold?: Pick<ItemHold, 'holds'>,
    probes?: ItemProbes,
  ) {
    this.#hold = hold;
    this.#probes = probes;
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
    const leaveForMs = this.#leaveProbeForMs(rank, known, partition);
    if (leaveForMs > 0) {
      const closed = this.#admissions.isClosed(partition);
      return { admitted: false, reasons: ['over-threshold'], askAgainInMs: leaveForMs, closed };
    }
    const asked = this.#admissions.ask(rank, [partition]);
    const reasons = [asked.reason];
    if (!asked.perform) {
      const askAgainInMs = this.#admissions.askAgainInMs(rank, partition);
      return { admitted: false, reasons, askAgainInMs, closed: this.#admissions.isClosed(partition) };
    }
    const { entry } = asked;
    let wrote = false;
    return {
      admitted: true,
      reasons,
      wrote: (to) => {
        wrote ||= to === partition;
        entry.wrote(to);
      },
      strain: () => this.#admissions.strainOn(partition),
      finished: () => {
        entry.finished();
        if (asked.reason === 'probe') this.#probes?.ended(known, partition, wrote);
      },
    };
  }

  #leaveProbeForMs(rank: number, workType: string, partition: string): number {
    if (this.#probes === undefined) return 0;
    if (this.#admissions.modeOf(rank, partition) === 'over')
      return this.#probes.leaveForMs(workType, partition);
    this.#probes.forget(workType, partition);
    return 0;
  }
}
