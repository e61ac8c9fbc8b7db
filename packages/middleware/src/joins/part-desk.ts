import type { Recorder } from '../answer/gate-parts.ts';
import type { PartDesk } from '../answer/parts/contract.ts';
import { locateDeferral } from '../answer/resources/locate-deferral.ts';
import { systemClock as clock } from '../clock.ts';
import { ulidFactory } from '../ledger/ulid.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import { recordPart } from '../perform/parts/defer-part.ts';
import { pause } from '../perform/pause.ts';
import type { ResourceGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';

const releaseTries = 6;
const releaseRetryMs = 100;

const failed = {
  code: 'request-failed',
  message: 'The request that deferred it was not answered with a success.',
} as const;

/** Where the parts of requests are recorded, in all groups of a gate. */
export function partDesk(
  groups: Pick<ResourceGroups, 'all' | 'byName' | 'underWay'>,
  recorders: ReadonlyMap<string, Recorder>,
  { trouble }: Pick<GateVoice, 'trouble'>,
): PartDesk {
  const newRequestId = ulidFactory(clock);
  const settling = new Set<Promise<void>>();
  let closing = false;
  const asked = groups.all.map((group) => ({
    group,
    mark: group.mark,
    ledger: async () => (await group.open()).ledger,
  }));

  function groupOf({ home }: Recorder): ResourceGroup {
    const group = groups.byName.get(home.group);
    if (group === undefined) throw new Error(`there is no group ${home.group}`);
    return group;
  }

  /** Where it fails for good, whoever looks at the part finds out by itself. */
  function insist(doing: string, work: () => Promise<unknown>): Promise<void> {
    const settled = tryOften(doing, work).finally(() => settling.delete(settled));
    settling.add(settled);
    return settled;
  }

  async function tryOften(doing: string, work: () => Promise<unknown>): Promise<void> {
    for (let tries = 1; tries <= releaseTries; tries += 1) {
      try {
        await work();
        return;
      } catch (error) {
        trouble(doing, error);
        if (closing) return;
        if (tries < releaseTries) await pause(clock, releaseRetryMs * 2 ** (tries - 1));
      }
    }
  }

  return {
    underWay: groups.underWay,
    newRequestId,
    async parentOf(id) {
      const located = await locateDeferral(asked, id);
      const at = located && recorders.get(located.group.group.name);
      if (located === undefined || at === undefined) throw new Error(`there is no deferral ${id}`);
      const { partition, requester: pseudonym } = located.deferral;
      return { at, partition, pseudonym };
    },
    async record(at, part) {
      const recorded = await recordPart(await at.ledger(), part);
      return recorded && { id: recorded.deferral.id, capability: recorded.capability };
    },
    release: (at, id, partition) =>
      insist('releasing a part', async () => {
        await (await at.ledger()).step(id, { type: 'released' });
        at.enqueued(partition);
      }),
    cancel: (at, id) => insist('canceling a part', () => groupOf(at).cancel(id, failed)),
    async close() {
      closing = true;
      await Promise.all(settling);
    },
  };
}
