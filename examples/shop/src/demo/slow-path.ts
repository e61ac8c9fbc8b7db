import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { SlowCommits } from '@slackwater/test-support/slow-commits';

/** Where commits are made slow by hand. */
export const slowPath = '/demo/slow';
const most = 10_000;

/** `POST /demo/slow {"ms": 300}` makes every commit so much slower; 0 ends it. */
export async function setSlow(
  commits: SlowCommits,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const asked: unknown = req.method === 'POST' ? await json(req).catch(() => undefined) : undefined;
  const ms = typeof asked === 'object' && asked !== null && 'ms' in asked ? asked.ms : undefined;
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= most)) {
    answer(res, 400, {
      error: `POST {"ms": 300}: how much longer each commit takes, up to ${most}; 0 ends it`,
    });
    return;
  }
  try {
    await commits.set(ms, 4);
    answer(res, 200, { everyCommitTakesLongerByMs: ms });
  } catch (error) {
    answer(res, 500, { error: String(error) });
  }
}

/** A JSON answer. */
export function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
