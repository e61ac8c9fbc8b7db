import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onceOver } from '../once-over.ts';
import type { PartMeans } from './contract.ts';
import type { DeferringRequest } from './deferring-request.ts';

/**
 * Releases the parts of a request that is performed at once when it has been answered below 400, and cancels them when the answer is
 * another. Until then this process says that it is under way; where it can't tell how it ended, nobody says anything, and whoever looks at
 * a part goes by the completion rows of the request, or by time. Replays are judged by what becomes of their deferral.
 */
export function settleWhenOver(
  { desk, trouble }: Pick<PartMeans, 'desk' | 'trouble'>,
  socket: Socket,
  res: ServerResponse,
  request: DeferringRequest,
): void {
  const { at, parent, parts, completion } = request;
  if (desk === undefined) return;
  if (parent.kind === 'deferral') {
    // Its outcome is about to be recorded: what waits for that need not wait for the next look at the queue.
    onceOver(socket, res, () => {
      for (const { partition } of parts) at.enqueued(partition);
    });
    return;
  }
  desk.underWay.add(parent.id);
  onceOver(socket, res, () => {
    const end = howItEnded(res, completion?.duplicate === true);
    const settled = parts.map(({ id, partition }) => {
      if (end === 'succeeded') return desk.release(at, id, partition);
      return end === 'failed' ? desk.cancel(at, id) : undefined;
    });
    Promise.all(settled)
      .catch((error: unknown) => trouble('settling the parts of a request', error))
      .finally(() => desk.underWay.delete(parent.id));
  });
}

/** Another one that did the same work may have failed this one: then nothing is known by its answer. */
function howItEnded(res: ServerResponse, wasDuplicate: boolean): 'succeeded' | 'failed' | 'unknown' {
  if (!res.writableEnded) return 'unknown';
  if (res.statusCode < 400) return 'succeeded';
  return wasDuplicate ? 'unknown' : 'failed';
}
