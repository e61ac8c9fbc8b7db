import { setTimeout as sleep } from 'node:timers/promises';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import type { Claim } from '../../../../packages/middleware/src/engines/queue.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { scope } from '../../../contracts/engine-under-test.ts';

const keys = createKeyFile(scope);
const aheadMs = 90_000;
const troubles: string[] = [];
let server: NatsServer;
let right: OpenEngine;
let wrong: OpenEngine;

beforeAll(async () => {
  server = await startNats();
  const ahead: Clock = { ...systemClock, wallNow: () => systemClock.wallNow() + aheadMs };
  const open = (clock: Clock): Promise<OpenEngine> =>
    natsEngine({ servers: server.servers, keys }).open({
      ...scope,
      clock,
      onTrouble: (_doing, error) => troubles.push(String(error)),
    });
  [right, wrong] = await Promise.all([open(systemClock), open(ahead)]);
});

afterAll(async () => {
  await Promise.all([right.close(), wrong.close()]);
  await server.stop();
});

const leaseMs = 1_000;
const claim = ({ queue }: OpenEngine) => queue.claim({ partition: 'p', limit: 1, leaseMs, holder: 'test' });

/** Tries to claim until something is claimed; gives that, and how long after `from` it was, in ms. */
async function claimedAfter(
  from: number,
  claiming: () => ReturnType<OpenEngine['queue']['claim']>,
): Promise<{ readonly taken: Claim | undefined; readonly afterMs: number }> {
  for (;;) {
    const [taken] = await claiming();
    if (taken !== undefined) return { taken, afterMs: performance.now() - from };
    await sleep(20);
  }
}

/** As well as hosts know the servers' time on a machine that is busy. */
const inexactMs = 250;

describe('a host whose clock is 90 s ahead', () => {
  it('is told of, with how far', async () => {
    await expect.poll(() => troubles.join()).toMatch(/clock is (89\d\d\d|90\d\d\d) ms ahead/);
  });

  it('takes nobody’s lease before it has ended, and its own last as long as all others’', async () => {
    await right.queue.enqueue({ id: 'x', partition: 'p', priority: 1, position: 0 });
    const from = performance.now();
    const [held] = await claim(right);
    expect(held?.id).toBe('x');
    let triedAt = from;
    const { taken, afterMs } = await claimedAfter(from, () => {
      triedAt = performance.now();
      return claim(wrong);
    });
    expect(taken?.id).toBe('x');
    expect(afterMs).toBeGreaterThan(leaseMs - inexactMs);
    const again = await claimedAfter(triedAt, () => claim(right));
    expect(again.afterMs).toBeGreaterThan(leaseMs - inexactMs);
    expect(await wrong.queue.settle('x', taken?.token ?? 0)).toBe(false);
    expect(await right.queue.settle('x', again.taken?.token ?? 0)).toBe(true);
  });

  it('postpones until the time that it means, and is told due times in its own', async () => {
    await wrong.queue.enqueue({ id: 'y', partition: 'q', priority: 1, position: 1 });
    const [held] = await wrong.queue.claim({ partition: 'q', limit: 1, leaseMs: 60_000, holder: 'test' });
    const from = performance.now();
    const due = systemClock.wallNow() + aheadMs + 600;
    expect(await wrong.queue.postpone('y', held?.token ?? 0, due)).toBe(true);
    const [row] = await wrong.queue.backlog();
    expect(Math.abs((row?.nextDueAt ?? 0) - due)).toBeLessThan(inexactMs);
    const { taken, afterMs } = await claimedAfter(from, () =>
      right.queue.claim({ partition: 'q', limit: 1, leaseMs, holder: 'test' }),
    );
    expect(taken?.id).toBe('y');
    expect(afterMs).toBeGreaterThan(600 - inexactMs);
  });
});
