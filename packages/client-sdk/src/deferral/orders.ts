import type { Limits } from '../call/limits.ts';
import { InputNotTakenError, NotCancelableError } from '../errors/deferrals.ts';
import { clearAnswer } from './clear-answer.ts';
import type { DeferralSession } from './session.ts';
import { isOpen } from './settlement.ts';

/**
 * Asks for the cancellation of a deferral, again where no clear answer came. Resolves when it is canceled.
 *
 * @throws NotCancelableError where it is being performed or settled already.
 */
export async function cancel(session: DeferralSession, limits: Limits): Promise<void> {
  const reading = await clearAnswer(session, limits, () => session.questions.cancellation(limits));
  if (reading.kind === 'refused' && reading.status !== 409) session.settle(reading);
  // An earlier DELETE may have been the one that did it, so a conflict is no answer: the resource is.
  await session.refresh(limits);
  // An operation is undone first.
  while (session.resource?.operation?.error === 'operation-canceled' && isOpen(session.resource)) {
    await session.startPause(limits, session.nextPause());
    session.throwIfEnded(limits);
    await session.refresh(limits);
  }
  if (session.resource?.status === 'Canceled') return;
  throw new NotCancelableError(
    `Deferral ${session.id} can't be canceled any more: it is ${session.resource?.status}.`,
  );
}

/** Gives the operation inputs, again where no clear answer came. @throws InputNotTakenError, and what `refresh` throws. */
export async function provideInputs(
  session: DeferralSession,
  limits: Limits,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  const reading = await clearAnswer(session, limits, () => session.questions.inputs(limits, values));
  if (reading.kind === 'resource') session.accept(reading.resource, reading.askedMs);
  else if (reading.kind === 'refused' && reading.problem !== undefined) {
    throw new InputNotTakenError(reading.problem, reading.status);
  } else session.settle(reading);
}
