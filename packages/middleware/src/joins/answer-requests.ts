import type { ServerResponse } from 'node:http';
import type { Request } from 'express';
import { factFinder } from '../answer/find-facts.ts';
import type { GateParts, Recorder, Recorders } from '../answer/gate-parts.ts';
import { requestJudge } from '../answer/handle.ts';
import type { PartMeans, ReplayOf } from '../answer/parts/contract.ts';
import { GateReplay, GateRequest } from '../answer/parts/gate-request.ts';
import { pollAfterMs } from '../answer/poll-after.ts';
import type { RequestFacts } from '../answer/request-facts.ts';
import { systemClock as clock } from '../clock.ts';
import { routeTable } from '../decide/route-table.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { allowListed } from '../perform/capturable-headers.ts';
import type { Candidates } from './candidates.ts';
import { groupChooser } from './choose-group.ts';
import type { Deciding } from './decide.ts';
import { partDesk } from './part-desk.ts';
import type { ResourceGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';
import type { DecisionTelling } from './tell-decisions.ts';

/** Those of the options that say the work type of a request. */
const workTypeOptions: ReadonlySet<string> = new Set(['classify', 'routes.workType']);

function unknownMessage(option: string): string {
  return `The option ${option} threw, took longer than 5 s, or named a work type that does not exist: such requests have the default work type. The event trouble has each case.`;
}

/** What becomes of requests. */
export interface AnsweredRequests {
  /** One from outside is let through, or answered. */
  readonly judge: ReturnType<typeof requestJudge>;
  /** Tells the handler of one that is not judged, in `req.slackwater`, what the gate does for it. */
  tellHandler(req: Request, res: ServerResponse, replay?: ReplayOf): void;
  /** Waits for what is recorded of requests that have ended. */
  close(): Promise<void>;
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
): AnsweredRequests {
  const { warn, trouble } = voice;
  const { publicUrl, basePath } = options;
  const pollAfter = (partition: string): number => pollAfterMs(admissions.statesOf(partition));
  const keptHeaders = new Set(options.captureHeaders);
  const recorders = groups && recordersByName(options, groups, pollAfter);
  const baseUrlOf = (req: Request): string => `${publicUrl ?? req.baseUrl}${basePath}`;
  const means: PartMeans = {
    options,
    clock,
    trouble,
    recorders: groups && recorders && recordersOf(options, groups, recorders, voice),
    desk: groups && recorders && partDesk(groups, recorders, voice),
  };

  /** Where an outer gate can defer parts and this one can't, the outer one does. */
  function isForOuter({ slackwater }: { readonly slackwater?: unknown }): boolean {
    return means.desk === undefined && slackwater !== undefined;
  }

  function tellHandler(req: Request, res: ServerResponse, facts?: RequestFacts): void {
    if (!isForOuter(req)) req.slackwater = new GateRequest(means, req, res, facts);
  }

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
    tellHandler,
    recorders: means.recorders,
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
  return {
    judge: requestJudge(parts, (req) => allowListed(req.rawHeaders, keptHeaders), baseUrlOf),
    tellHandler(req, res, replay) {
      if (replay === undefined) tellHandler(req, res);
      else req.slackwater = new GateReplay(means, req, res, replay);
    },
    close: async () => means.desk?.close(),
  };
}

function recordersByName(
  options: ResolvedOptions,
  groups: ResourceGroups,
  pollAfter: Recorder['pollAfterMs'],
): ReadonlyMap<string, Recorder> {
  return new Map(groups.all.map((group) => [group.name, recorderOf(options, group, pollAfter)] as const));
}

function recordersOf(
  options: ResolvedOptions,
  groups: ResourceGroups,
  recorders: ReadonlyMap<string, Recorder>,
  voice: GateVoice,
): Recorders {
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
