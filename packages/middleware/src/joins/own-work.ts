import type { Clock } from '../clock.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { withHandlers } from '../perform/parts/call-handler.ts';
import { compensatingStep } from '../perform/parts/compensations.ts';
import { isOwn, type OwnHandlers } from '../perform/parts/own-work.ts';
import type { PerformerSetup } from '../perform/performer.ts';
import type { Replay } from '../perform/replay.ts';
import type { RunEnds } from '../perform/run-ends.ts';

type OwnOptions = Pick<ResolvedOptions, 'parts' | 'workTypes'>;

/** What the performer of a group is told of runs of operations. */
export interface GroupRuns extends RunEnds {
  /** Whether the handler of a deferral's attempt left the answer to a run; asked once for each attempt. */
  takeLeft(id: string): boolean;
}

/** The same, where a handler may leave its answer to a run that goes on. */
function leavingToRuns(replay: Replay, runs: Pick<GroupRuns, 'takeLeft'>): Replay {
  return async (request) => {
    const result = await replay(request);
    return runs.takeLeft(request.deferral.id) && result.kind === 'answered'
      ? { kind: 'left-to-run' }
      : result;
  };
}

/** What the performer of a group needs to perform parts and compensations beside requests. */
export function ownWorkOf(
  options: OwnOptions,
  ledger: Ledger,
  through: Replay,
  {
    underWay,
    runs,
    clock,
    trouble,
  }: {
    /** The requests that this process performs, by the id that their parts have for them. */
    readonly underWay: ReadonlySet<string>;
    readonly runs: GroupRuns;
    readonly clock: Clock;
    readonly trouble: (doing: string, error: unknown) => void;
  },
): Pick<PerformerSetup, 'ledger' | 'replay' | 'own' | 'repeatable' | 'runs'> {
  const handlers: OwnHandlers = {
    part: (name) => options.parts.get(name),
    compensation: (workType) => options.workTypes.find(({ name }) => name === workType)?.compensate,
  };
  return {
    own: { handlers, isUnderWay: (parent) => underWay.has(parent) },
    ledger: {
      find: (id) => ledger.find(id),
      readRequest: (id) => ledger.readRequest(id),
      step: compensatingStep(ledger, handlers),
    },
    runs,
    replay: leavingToRuns(
      withHandlers(through, {
        handlers,
        ledger,
        clock,
        onHandlerError: (error, id) => trouble(`performing deferral ${id}: its handler failed`, error),
      }),
      runs,
    ),
    repeatable(deferral) {
      if (isOwn(deferral)) return handlers.part(deferral.route)?.repeatable === true;
      return options.workTypes.some(({ name, repeatable }) => name === deferral.workType && repeatable);
    },
  };
}
