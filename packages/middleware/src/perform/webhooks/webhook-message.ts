import { Buffer } from 'node:buffer';
import type { Deferral } from '../../ledger/deferral.ts';
import type { NotedEvent, WebhookNote } from './webhook-notes.ts';
import type { WebhookDeferral } from './webhook-types.ts';

/** How a deferral stands that it was told of; undefined where it may have gone on since. */
const statusAfter: Readonly<Record<NotedEvent, Deferral['status'] | undefined>> = {
  performed: 'Succeeded',
  failed: 'Failed',
  canceled: 'Canceled',
  parked: undefined,
  reversed: undefined,
  'task-failing': undefined,
  'task-undo-failed': undefined,
};

/** The message's `webhook-id`: of one entry always the same. */
export function messageId({ id, position }: Pick<WebhookNote, 'id' | 'position'>): string {
  return `msg_${id}_${position}`;
}

/** The body of a message, UTF-8: JSON of `type`, `timestamp` (of what happened) and `data`, as Standard Webhooks has it. */
export function messageBody({ event, at }: WebhookNote, data: WebhookDeferral): Uint8Array {
  const message = { type: `deferral.${event}`, timestamp: new Date(at).toISOString(), data };
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/** Whether the deferral's state is not yet what the note tells of: the one is written after the other. */
export function isAheadOf(
  deferral: Pick<Deferral, 'updatedAt' | 'phase'>,
  { reversal }: Pick<WebhookDeferral, 'reversal'>,
  note: WebhookNote,
): boolean {
  if (note.event === 'reversed') return reversal?.reversed !== true;
  return deferral.phase !== 'settled' && deferral.updatedAt < note.at;
}

/** Whether the deferral ended otherwise: an attempt that was overtaken may say late what does not count. */
export function isOvertaken(
  { phase, status }: Pick<Deferral, 'phase' | 'status'>,
  note: WebhookNote,
): boolean {
  const expected = statusAfter[note.event];
  return phase === 'settled' && expected !== undefined && status !== expected;
}
