import type { Limits } from '../call/limits.ts';
import { DeferralNotFoundError } from '../errors/deferrals.ts';
import type { Pause } from './pace.ts';
import type { Reading } from './reading.ts';

/** What of a session is needed between two questions. */
interface Asking {
  readonly id: string;
  throwIfEnded(limits: Limits): void;
  pauseAfter(reading: Reading): Pause;
  startPause(limits: Limits, pause: Pause): Promise<void>;
}

/** Asks about a deferral until an answer is clear. @throws DeferralNotFoundError */
export async function clearAnswer(
  session: Asking,
  limits: Limits,
  ask: () => Promise<Reading>,
): Promise<Exclude<Reading, { kind: 'unclear' | 'absent' }>> {
  for (;;) {
    const reading = await ask();
    session.throwIfEnded(limits);
    if (reading.kind === 'absent') throw new DeferralNotFoundError(session.id);
    if (reading.kind !== 'unclear') return reading;
    await session.startPause(limits, session.pauseAfter(reading));
    session.throwIfEnded(limits);
  }
}
