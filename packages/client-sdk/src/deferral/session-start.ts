import type { RecordedRequest } from '@slackwater/shared';
import type { ResolvedOptions } from '../options.ts';
import type { Prover } from '../proof/load-prover.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import type { SendStatusRequest } from './status-request.ts';

/** What a session starts from, and what of it is held while it waits: ten thousand may. */
export interface SessionStart {
  /** Absolute. */
  readonly statusUrl: string;
  /** Let go when the resource says it. */
  outcomeUrl: string | undefined;
  /** The id where the URL or a token says it; then that of the resource, for this one is a piece of a text that would be held. */
  id: string | undefined;
  readonly method: string | undefined;
  /** What was sent: see `sentRequests`. Let go when the proof was compared with it. */
  sent: readonly RecordedRequest[];
  readonly send: SendStatusRequest;
  /** Whether answers can be read while they come. */
  readonly streams: boolean;
  /** What checks its proof. */
  readonly prover: Prover;
  /** Where its proof is kept. */
  readonly book: ReceiptBook;
  readonly options: ResolvedOptions;
}
