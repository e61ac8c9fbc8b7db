import type { Deferral } from '../../ledger/deferral.ts';
import type { Ledger } from '../../ledger/open-ledger.ts';

/** A resource group as far as it is asked for a deferral. */
export interface AskedGroup {
  /** What ids that were given out here have at their eleventh to thirteenth character; older ones may have anything. */
  readonly mark: string;
  /** Rejects where it can't be opened. */
  readonly ledger: () => Promise<Ledger>;
}

/** What the group that has it gave. */
export interface FoundIn<Group, Found> {
  readonly group: Group;
  readonly found: Found;
}

/** Finds which of the groups has a deferral; see {@link firstWith}. */
export async function locateDeferral<Group extends AskedGroup>(
  groups: readonly Group[],
  id: string,
): Promise<{ readonly group: Group; readonly ledger: Ledger; readonly deferral: Deferral } | undefined> {
  const first = await firstWith(groups, id, async (group) => {
    const ledger = await group.ledger();
    const deferral = await ledger.find(id);
    return deferral && { ledger, deferral };
  });
  return first && { group: first.group, ...first.found };
}

const timeCharacters = 10;

/**
 * What is found of an id: those groups are asked first that the id speaks of, then all others at once. Undefined where none of
 * them has anything; rejects where one of them could not be asked and no other has something.
 */
export async function firstWith<Group extends AskedGroup, Found>(
  groups: readonly Group[],
  id: string,
  ask: (group: Group) => Promise<Found | undefined>,
): Promise<FoundIn<Group, Found> | undefined> {
  const likely = groups.filter(({ mark }) => id.startsWith(mark, timeCharacters));
  const rest = groups.filter((group) => !likely.includes(group));
  const failures: unknown[] = [];
  const first = (await askAll(likely, ask, failures)) ?? (await askAll(rest, ask, failures));
  if (first === undefined && failures.length > 0) throw failures[0];
  return first;
}

/** As soon as one has it; else when all have answered. */
function askAll<Group, Found>(
  groups: readonly Group[],
  ask: (group: Group) => Promise<Found | undefined>,
  failures: unknown[],
): Promise<FoundIn<Group, Found> | undefined> {
  return new Promise((resolve) => {
    const asking = groups.map(async (group) => {
      try {
        const found = await ask(group);
        if (found !== undefined) resolve({ group, found });
      } catch (error) {
        failures.push(error);
      }
    });
    void Promise.all(asking).then(() => resolve(undefined));
  });
}
