import { isSlackwaterError } from '@slackwater/shared';
import type { DeferralLedger, Step } from '../../ledger/deferral.ts';
import type { OwnHandlers } from './own-work.ts';
import { compensationRequest } from './part-record.ts';

// Success was told, and then it comes to nothing. By crash point:
//   compensation accepted, held   crash after: its request is not settled; it fails again and finds this compensation, or
//                                 succeeds, and it is canceled
//   failed or canceled recorded   crash after: whoever claims the compensation finds its request settled, and releases it
// So no end is recorded whose compensation could be forgotten.

type Steps = Pick<DeferralLedger, 'find' | 'step' | 'accept'>;

/**
 * Takes steps for all who take them in the name of the gate: no bad end of a request whose success was told is recorded before the
 * compensation of its work type is, if it names one.
 */
export function compensatingStep(
  ledger: Steps,
  handlers: Pick<OwnHandlers, 'compensation'>,
): DeferralLedger['step'] {
  return async (id, step) => {
    if (endsBadly(step)) await prepare(ledger, handlers, id);
    return ledger.step(id, step);
  };
}

function endsBadly(step: Step): boolean {
  return step.type === 'canceled' || (step.type === 'failed' && step.retryAt === undefined);
}

async function prepare(
  ledger: Steps,
  { compensation }: Pick<OwnHandlers, 'compensation'>,
  id: string,
): Promise<void> {
  const deferral = await ledger.find(id);
  if (deferral === undefined || !deferral.acknowledged || deferral.phase === 'settled') return;
  const { workType, partition, route, requester } = deferral;
  if (compensation(workType) === undefined) return;
  try {
    await ledger.accept({
      request: compensationRequest(),
      ...{ route, workType, partition, priority: 0, requester: '', reasons: ['compensation'] },
      idempotencyKey: id,
      belongsTo: { parent: id, pseudonym: requester, always: true },
    });
  } catch (error) {
    // Nobody can read any more what it would undo.
    if (!isSlackwaterError(error) || error.code !== 'requester-erased') throw error;
  }
}
