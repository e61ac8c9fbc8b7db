import type { Clock } from '../clock.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import { repeat } from '../ledger/repeat.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { Performer } from '../perform/performer.ts';

/** Whose deferrals are looked at when their time has come, and what hears of it. */
export interface TimedLooksSetup {
  readonly group: string;
  readonly workTypes: ResolvedOptions['workTypes'];
  readonly ledger: Pick<Ledger, 'reportOverdue' | 'lookAtPostponed'>;
  readonly performer: Pick<Performer, 'postponedTooLong'>;
  /** Whether this host performs: who does not leaves what was postponed too long to those who do. */
  readonly performs: () => boolean;
  readonly voice: Pick<GateVoice, 'tell'>;
  readonly clock: Clock;
  readonly trouble: (doing: string, error: unknown) => void;
}

const oftenMs = 1_000;
/** Where this host's work types set no times: those of an earlier configuration, or of other hosts, may have. */
const seldomMs = 60_000;

/** Looks at promises whose time has come, and at deferrals that may be postponed no longer. `stop` waits for what is under way. */
export function timedLooks(setup: TimedLooksSetup): { stop(): Promise<void> } {
  const { group, workTypes, ledger, performer, voice, clock } = setup;
  const isTimed = workTypes.some(
    ({ maxDelayMs, maxPostponeMs }) => (maxDelayMs ?? maxPostponeMs) !== undefined,
  );
  const everyMs = isTimed ? oftenMs : seldomMs;

  const looking = (doing: string, look: () => Promise<void>): ReturnType<typeof repeat> => {
    const spell = oncePerSpell((error) => setup.trouble(doing, error));
    return repeat(clock, everyMs, () => look().then(spell.over), spell.tell);
  };

  // By themselves: what is performed out of its turn may take its time, and promises must not wait for it.
  const looks = [
    looking('looking at what was promised', () =>
      ledger.reportOverdue(({ id, partition, workType, deadlineAt = 0 }) => {
        const missed = { type: 'promise-missed', id, partition, workType, deadlineAt } as const;
        voice.tell('deferral', { ...missed, group });
      }),
    ),
    looking('looking at what was postponed too long', async () => {
      if (!setup.performs()) return;
      await ledger.lookAtPostponed((deferral) => {
        const policy = workTypes.find(({ name }) => name === deferral.workType);
        return performer.postponedTooLong(deferral, policy?.whenPostponedTooLong ?? 'alert');
      });
    }),
  ];
  return {
    async stop() {
      await Promise.all(looks.map((look) => look.stop()));
    },
  };
}

/** Tells of the first of several failures in a row. */
function oncePerSpell(tell: (error: unknown) => void): { tell(error: unknown): void; over(): void } {
  let isFailing = false;
  return {
    tell(error) {
      if (!isFailing) tell(error);
      isFailing = true;
    },
    over() {
      isFailing = false;
    },
  };
}
