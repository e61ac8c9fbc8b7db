import type { Clock } from '../clock.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { withHandlers } from '../perform/parts/call-handler.ts';
import { compensatingStep } from '../perform/parts/compensations.ts';
import { isOwn, type OwnHandlers } from '../perform/parts/own-work.ts';
import type { PerformerSetup } from '../perform/performer.ts';
import type { Replay } from '../perform/replay.ts';

type OwnOptions = Pick<ResolvedOptions, 'parts' | 'workTypes'>;

/** What the performer of a group needs to perform parts and compensations beside requests. */
export function ownWorkOf(
  options: OwnOptions,
  ledger: Ledger,
  through: Replay,
  {
    underWay,
    clock,
    trouble,
  }: {
    /** The requests that this process performs, by the id that their parts have for them. */
    readonly underWay: ReadonlySet<string>;
    readonly clock: Clock;
    readonly trouble: (doing: string, error: unknown) => void;
  },
): Pick<PerformerSetup, 'ledger' | 'replay' | 'own' | 'repeatable'> {
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
    replay: withHandlers(through, {
      handlers,
      ledger,
      clock,
      onHandlerError: (error, id) => trouble(`performing deferral ${id}: its handler failed`, error),
    }),
    repeatable(deferral) {
      if (isOwn(deferral)) return handlers.part(deferral.route)?.repeatable === true;
      return options.workTypes.some(({ name, repeatable }) => name === deferral.workType && repeatable);
    },
  };
}
