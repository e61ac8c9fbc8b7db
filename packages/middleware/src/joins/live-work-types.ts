import { createHash } from 'node:crypto';
import type { WorkTypeChange, WorkTypeValues } from '@slackwater/shared';
import type { WantedChange } from '../answer/resources/contract.ts';
import { systemClock as clock } from '../clock.ts';
import { afterChanges, type ChangedWorkType, type ChangedWorkTypes } from '../ledger/changed-work-types.ts';
import {
  type ChangeableMember,
  ChangedMeanwhileError,
  changeableMembers,
  changedPolicy,
  memberOf,
  namedChanges,
} from '../options/change-work-type.ts';
import { candidateOptions } from '../options/check-candidates.ts';
import type { WorkTypeView } from '../options/gate-work-types.ts';
import { shadowOrder, thresholdOrder } from '../options/questionable.ts';
import type { ResolvedOptions, WorkTypePolicy } from '../options/resolved.ts';

/** The work types of a gate as they are now: what was configured, and what was changed since. */
export class LiveWorkTypes {
  readonly #options: ResolvedOptions;
  readonly #configured: readonly WorkTypePolicy[];
  readonly #present: WorkTypePolicy[];
  #changed: ChangedWorkTypes = new Map();

  /** @param present the array that others read: its elements are replaced, all at once, when something changes */
  constructor(options: ResolvedOptions, present: WorkTypePolicy[]) {
    this.#options = options;
    this.#configured = [...present];
    this.#present = present;
  }

  /** What was changed, and by whom, as far as this host knows. */
  get changed(): ChangedWorkTypes {
    return this.#changed;
  }

  /** The work types as they are shown, the most important first. */
  list(): readonly WorkTypeView[] {
    return this.#present.map((policy) => viewOf(policy, this.#changed.get(policy.name)));
  }

  /** Undefined where there is none of that name. */
  find(name: string): WorkTypeView | undefined {
    const policy = this.#present.find((one) => one.name === name);
    return policy && viewOf(policy, this.#changed.get(name));
  }

  /**
   * What a wish comes to, given what was changed before; nothing where it is so already. Changes nothing itself. Throws
   * `option-invalid`, `option-unknown`, `option-missing`, and `precondition-failed` where none of `ifMatch` is the ETag.
   */
  plan(
    wanted: ReadonlyMap<string, WantedChange>,
    before: ChangedWorkTypes,
    ifMatch: readonly string[] | undefined,
  ): Readonly<Record<string, WorkTypeChange>> {
    const planned: [string, WorkTypeChange][] = [];
    for (const [name, wish] of wanted) {
      const configured = this.#configuredOf(name);
      const known = before.get(name);
      const present = this.#effective(configured, known).policy;
      const { etag } = viewOf(present, known);
      if (ifMatch !== undefined && !ifMatch.includes(etag) && !ifMatch.includes('*')) {
        throw new ChangedMeanwhileError(name);
      }
      const change =
        wish.kind === 'reset'
          ? resetOf(configured, present, known)
          : changeOf(present, this.#changedTo(configured, wish.members, known));
      if (change !== undefined) planned.push([name, change]);
    }
    return Object.fromEntries(planned);
  }

  /** What was changed after a change that is in no ledger. */
  after(changes: Readonly<Record<string, WorkTypeChange>>, by: string): ChangedWorkTypes {
    const position = 1 + Math.max(-1, ...[...this.#changed.values()].map((one) => one.position));
    const at = new Date(clock.wallNow()).toISOString();
    return afterChanges(this.#changed, changes, { position, at, by });
  }

  /**
   * Takes over what is said of work types; of each the newest counts. Gives those that changed. What does not go with how
   * this host is configured is left out, and `refused` hears of it.
   */
  adopt(
    changed: ChangedWorkTypes,
    refused: (name: string, error: unknown) => void,
  ): readonly { readonly before: WorkTypePolicy; readonly after: WorkTypePolicy }[] {
    const next = new Map(this.#changed);
    const news: { before: WorkTypePolicy; after: WorkTypePolicy; at: number }[] = [];
    for (const [at, before] of this.#present.entries()) {
      const said = changed.get(before.name);
      if (said === undefined || said.position <= (this.#changed.get(before.name)?.position ?? -1)) continue;
      const { policy: after, error } = this.#effective(this.#configuredOf(before.name), said);
      if (error !== undefined) refused(before.name, error);
      next.set(before.name, said);
      if (!isSame(before, after)) news.push({ before, after, at });
    }
    for (const { at, after } of news) this.#present[at] = after;
    this.#changed = next;
    return news;
  }

  /** What is questionable about the work types as they are now. */
  questionable(): ReturnType<typeof thresholdOrder> {
    const { ceilingMs } = this.#options.autoThreshold;
    return [...thresholdOrder(this.#present, ceilingMs), ...shadowOrder(this.#present)];
  }

  #configuredOf(name: string): WorkTypePolicy {
    const found = this.#configured.find((one) => one.name === name);
    if (found === undefined) throw new RangeError(`There is no work type ${name}.`);
    return found;
  }

  #changedTo(
    configured: WorkTypePolicy,
    members: unknown,
    known: ChangedWorkType | undefined,
  ): WorkTypePolicy {
    const named = namedChanges(configured.name, members);
    return changedPolicy(this.#options, configured, { ...known?.values, ...named });
  }

  #effective(
    configured: WorkTypePolicy,
    said: ChangedWorkType | undefined,
  ): { readonly policy: WorkTypePolicy; readonly error?: unknown } {
    if (said === undefined || Object.keys(said.values).length === 0) return { policy: configured };
    try {
      namedChanges(configured.name, said.values);
      return { policy: changedPolicy(this.#options, configured, said.values) };
    } catch (error) {
      return { policy: configured, error };
    }
  }
}

function changeOf(present: WorkTypePolicy, wanted: WorkTypePolicy): WorkTypeChange | undefined {
  const differing = changeableMembers.filter((member) => !isAlike(present, wanted, member));
  if (differing.length === 0) return undefined;
  return { before: valuesOf(present, differing), after: valuesOf(wanted, differing) };
}

/** Also where nothing differs now: what was changed counts even if the options say the same some day. */
function resetOf(
  configured: WorkTypePolicy,
  present: WorkTypePolicy,
  known: ChangedWorkType | undefined,
): WorkTypeChange | undefined {
  const members = changeableMembers.filter((member) => Object.hasOwn(known?.values ?? {}, member));
  if (members.length === 0) return undefined;
  return { before: valuesOf(present, members), after: valuesOf(configured, members), reset: true };
}

function valuesOf(policy: WorkTypePolicy, members: readonly ChangeableMember[]): WorkTypeValues {
  return Object.fromEntries(members.map((member) => [member, memberOf(policy, member)]));
}

function isSame(a: WorkTypePolicy, b: WorkTypePolicy): boolean {
  return changeableMembers.every((member) => isAlike(a, b, member));
}

function isAlike(a: WorkTypePolicy, b: WorkTypePolicy, member: ChangeableMember): boolean {
  return JSON.stringify(memberOf(a, member)) === JSON.stringify(memberOf(b, member));
}

/** How a work type is shown. */
function viewOf(policy: WorkTypePolicy, said: ChangedWorkType | undefined): WorkTypeView {
  const { name, priority, exempt, thresholdMs, whenOver, candidates } = policy;
  const { deferWithoutAsking, acknowledge, repeatable, shadow } = policy;
  const shown = {
    name,
    priority,
    exempt,
    ...(thresholdMs === undefined ? {} : { thresholdMs }),
    whenOver,
    ...candidateOptions(candidates),
    deferWithoutAsking,
    acknowledge,
    repeatable,
    shadow,
    ...(said === undefined
      ? {}
      : { changed: { by: said.by, at: said.at, members: Object.keys(said.values) } }),
  };
  const digest = createHash('sha256').update(JSON.stringify(shown)).digest('base64url');
  return { ...shown, etag: `"${digest.slice(0, 16)}"` };
}
