import type { WorkTypeValues } from '@slackwater/shared';
import type { WantedChange, WorkTypeDesk } from '../answer/resources/contract.ts';
import { systemClock as clock, type Timer } from '../clock.ts';
import type { Admissions } from '../decide/admissions.ts';
import { type ChangingRank, changeRanks } from '../decide/thresholds.ts';
import type { PlanChange } from '../ledger/change-work-types.ts';
import type { ChangedWorkTypes } from '../ledger/changed-work-types.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import { changeableMembers, memberOf } from '../options/change-work-type.ts';
import { workTypeName } from '../options/check-routes.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ChangeTerms, GateWorkTypes } from '../options/gate-work-types.ts';
import { OptionInvalidError } from '../options/option-error.ts';
import { entriesOf } from '../options/read-group.ts';
import { text } from '../options/read-values.ts';
import type { ResolvedOptions, WorkTypePolicy } from '../options/resolved.ts';
import { LiveWorkTypes } from './live-work-types.ts';

/** From the end of one look at what other hosts changed to the next, ms. */
const followEveryMs = 1_000;

/** How work types are shown and changed. */
export interface WorkTypeControl extends WorkTypeDesk {
  /** Takes over what was changed before and by other hosts, from now on. */
  follow(ledger: Pick<Ledger, 'changedWorkTypes'>): void;
  close(): void;
}

/**
 * Makes the control of a gate's work types. `open` gives the ledger that changes are recorded in before they take effect;
 * without it they are this process's alone.
 */
export function controlWorkTypes(
  options: ResolvedOptions,
  present: WorkTypePolicy[],
  {
    ranks,
    admissions,
  }: {
    readonly ranks: readonly ChangingRank[];
    readonly admissions: Pick<Admissions, 'thresholdsChanged' | 'thresholdsOf'>;
  },
  { tell, warn, trouble }: Pick<GateVoice, 'tell' | 'warn' | 'trouble'>,
  open: (() => Promise<Pick<Ledger, 'changeWorkTypes'>>) | undefined,
): WorkTypeControl {
  const live = new LiveWorkTypes(options, present);
  let following: Timer | undefined;
  let troubled = false;
  let closed = false;

  function adopt(changed: ChangedWorkTypes): void {
    const news = live.adopt(changed, (name, error) =>
      trouble(`following what was changed of the work type ${name}: it stays as configured`, error),
    );
    if (news.length === 0) return;
    changeRanks(ranks, admissions, present);
    for (const { before, after } of news) {
      const { by = '', at = '' } = live.changed.get(after.name) ?? {};
      tell('work-type', { workType: after.name, before: shown(before), after: shown(after), by, at });
    }
    for (const { code, message } of live.questionable()) warn(code, message);
  }

  async function look(ledger: Pick<Ledger, 'changedWorkTypes'>): Promise<void> {
    try {
      adopt(await ledger.changedWorkTypes());
      troubled = false;
    } catch (error) {
      // Once for each spell of it: what counts is what was known before.
      if (!troubled && !closed) trouble('following changes of work types', error);
      troubled = true;
    }
    if (!closed) following = clock.after(followEveryMs, () => void look(ledger));
  }

  return {
    list: () => live.list(),
    find: (name) => live.find(name),
    learned(name) {
      const rank = ranks.findIndex((one) => one.name === name && one.thresholdMs === 'auto');
      return rank === -1 ? undefined : Object.fromEntries(admissions.thresholdsOf(rank));
    },
    async change(wanted, who, ifMatch) {
      // What a token says may be no text that an entry can hold.
      const by = who.replace(/\p{Surrogate}/gu, '\ufffd');
      for (const name of wanted.keys()) workTypeName(present)(name, 'workTypes');
      let differs = false;
      const plan: PlanChange = (before) => {
        const changes = live.plan(wanted, before, ifMatch);
        differs = Object.keys(changes).length > 0;
        return changes;
      };
      adopt(
        open === undefined
          ? live.after(plan(live.changed), by)
          : await (await open()).changeWorkTypes(plan, by),
      );
      return {
        workTypes: [...wanted.keys()].flatMap((name) => live.find(name) ?? []),
        recorded: open !== undefined && differs,
        warnings: live.questionable(),
      };
    },
    follow(ledger) {
      if (!closed) void look(ledger);
    },
    close() {
      closed = true;
      following?.cancel();
    },
  };
}

/** Those of its members that can change, as listeners are told them. */
function shown(policy: WorkTypePolicy): WorkTypeValues {
  return Object.fromEntries(changeableMembers.map((member) => [member, memberOf(policy, member)]));
}

const readBy = text(200, 'a name');

/** What the application is given of a control. */
export function workTypesInProcess(control: WorkTypeControl): GateWorkTypes {
  const byCode = ({ by }: ChangeTerms = {}): string => `code:${by === undefined ? 'app' : readBy(by, 'by')}`;
  const changeOne = async (name: string, wish: WantedChange, terms: ChangeTerms = {}) => {
    const ifMatch = terms.ifMatch === undefined ? undefined : [terms.ifMatch];
    return control.change(new Map([[name, wish]]), byCode(terms), ifMatch);
  };
  return {
    list: control.list,
    find: control.find,
    change: (name, members, terms) => changeOne(name, { kind: 'change', members }, terms),
    changeAll: async (changes, terms) => control.change(wishesOf(changes), byCode(terms), undefined),
    reset: (name, terms) => changeOne(name, { kind: 'reset' }, terms),
  };
}

/** Several changes, by work type. Throws `option-invalid` for what is no object. */
export function wishesOf(changes: unknown): ReadonlyMap<string, WantedChange> {
  const example = 'give changes by work type, { settle: { thresholdMs: 150 } }';
  const entries = entriesOf(changes, 'workTypes', example);
  if (entries.length === 0) throw new OptionInvalidError('workTypes', changes, `it names none; ${example}`);
  return new Map(entries.map(([name, members]) => [name, { kind: 'change', members }]));
}
