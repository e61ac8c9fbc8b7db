import { type Clock, systemClock } from '../../../packages/middleware/src/clock.ts';
import type { CapturedRequest } from '../../../packages/middleware/src/ledger/deferral.ts';
import { createReplay, type ReplayResult } from '../../../packages/middleware/src/perform/replay.ts';
import type { ReplayApp } from '../../../packages/middleware/src/perform/through-app.ts';
import type { RequestContext } from '../../../packages/middleware/src/request-context.ts';

/** A captured request, as it would be read back from the ledger. */
export function captured(method: string, url: string, more: Partial<CapturedRequest> = {}): CapturedRequest {
  return {
    method,
    url,
    headers: [['host', 'shop.example']],
    body: new Uint8Array(),
    remoteAddress: '203.0.113.7',
    identity: undefined,
    ...more,
  };
}

export interface ReplayTrial {
  readonly clock?: Clock;
  readonly timeoutMs?: number;
  readonly maxOutcomeBytes?: number;
  readonly signal?: AbortSignal;
  readonly context?: RequestContext;
  readonly onRouteError?: (error: unknown, id: string) => void;
}

/** Replays a request through an application, once. */
export function replayThrough(
  app: unknown,
  request: CapturedRequest,
  trial: ReplayTrial = {},
): Promise<ReplayResult> {
  const { clock = systemClock, onRouteError } = trial;
  const replay = createReplay({
    app: () => app as ReplayApp,
    clock,
    ...(onRouteError === undefined ? {} : { onRouteError }),
  });
  return replay({
    deferral: {
      id: '01DEFERRAL',
      completionKey: 'deferral:01DEFERRAL',
      requester: 'r-1',
      workType: 'settle',
      method: request.method,
      route: request.url,
      partition: 'orders',
      parent: undefined,
    },
    attempt: 1,
    request,
    context: trial.context ?? { postponable: true, completion: undefined, wrote: () => {} },
    timeoutMs: trial.timeoutMs ?? 10_000,
    maxOutcomeBytes: trial.maxOutcomeBytes ?? 1024 * 1024,
    signal: trial.signal ?? new AbortController().signal,
  });
}

/** An answer as text, to be compared at a glance. */
export async function answered(result: Promise<ReplayResult>): Promise<{
  status: number;
  headers: Record<string, string>;
  text: string;
  body: Uint8Array;
}> {
  const got = await result;
  if (got.kind !== 'answered') throw new Error(`not answered: ${JSON.stringify(got)}`);
  const { status, headers, body } = got.outcome;
  return { status, headers: Object.fromEntries(headers), text: Buffer.from(body).toString(), body };
}
