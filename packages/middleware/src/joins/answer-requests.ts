import type { GateParts, Recorder, Recorders } from '../answer/gate-parts.ts';
import { requestJudge } from '../answer/handle.ts';
import { pollAfterMs } from '../answer/poll-after.ts';
import { factFinder } from '../answer/request-facts.ts';
import { systemClock as clock } from '../clock.ts';
import { routeTable } from '../decide/route-table.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { allowListed } from '../perform/capturable-headers.ts';
import type { Candidates } from './candidates.ts';
import { groupChooser } from './choose-group.ts';
import type { Deciding } from './decide.ts';
import type { ResourceGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';
import type { DecisionTelling } from './tell-decisions.ts';

/** Those of the options that say the work type of a request. */
const workTypeOptions: ReadonlySet<string> = new Set(['classify', 'routes.workType']);

function unknownMessage(option: string): string {
  return `The option ${option} threw, took longer than 5 s, or named a work type that does not exist: such requests have the default work type. The event trouble has each case.`;
}

/** Requests from outside are let through, or answered. */
export function answerRequests(
  options: ResolvedOptions,
  { admissions, learned, shadow }: Deciding,
  candidates: Candidates,
  voice: GateVoice,
  groups: ResourceGroups | undefined,
  decisions: Pick<DecisionTelling, 'areHeard' | 'tell' | 'explainsTo'>,
  meter: GateParts['meter'],
): ReturnType<typeof requestJudge> {
  const { warn, trouble } = voice;
  const { publicUrl, basePath } = options;
  const pollAfter = (partition: string): number => pollAfterMs(admissions.statesOf(partition));
  const keptHeaders = new Set(options.captureHeaders);
  const parts: GateParts = {
    options,
    clock,
    factsOf: factFinder({
      options,
      clock,
      findRoute: routeTable(options.routes),
      learned,
      wouldPerform: (rank, partition) => admissions.wouldPerform(rank, partition),
      failed(option, error) {
        trouble(`asking the option ${option}`, error);
        if (workTypeOptions.has(option)) warn('work-type-unknown', unknownMessage(option));
      },
    }),
    admissions,
    candidates,
    recorders: groups && recordersOf(options, groups, voice, pollAfter),
    shadow,
    learned,
    transactions: () => groups?.home.current?.transactions,
    decisionsAreHeard: decisions.areHeard,
    tellDecision: decisions.tell,
    explainsTo: decisions.explainsTo,
    meter,
    warn,
    trouble,
  };
  return requestJudge(
    parts,
    (req) => allowListed(req.rawHeaders, keptHeaders),
    (req) => `${publicUrl ?? req.baseUrl}${basePath}`,
  );
}

function recordersOf(
  options: ResolvedOptions,
  groups: ResourceGroups,
  voice: GateVoice,
  pollAfter: Recorder['pollAfterMs'],
): Recorders {
  const recorders = new Map(
    groups.all.map((group) => [group.name, recorderOf(options, group, pollAfter)] as const),
  );
  const others = new Map(
    [...recorders.values()].map(
      (one) => [one, [...recorders.values()].filter((other) => other !== one)] as const,
    ),
  );
  return {
    of: groupChooser(options, recorders, voice),
    others: (than) => others.get(than) ?? [],
    completionsOf: groups.completionsOf,
  };
}

function recorderOf(
  { application }: ResolvedOptions,
  group: ResourceGroup,
  pollAfter: Recorder['pollAfterMs'],
): Recorder {
  return {
    home: { application, group: group.name, durable: group.engine.durable },
    ledger: async () => (await group.open()).ledger,
    enqueued: (partition) => group.current?.performer.enqueued(partition),
    pollAfterMs: pollAfter,
  };
}
