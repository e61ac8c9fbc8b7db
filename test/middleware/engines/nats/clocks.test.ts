import { setTimeout as sleep } from 'node:timers/promises';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
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

const claim = ({ queue }: OpenEngine, leaseMs = 1_000) =>
  queue.claim({ partition: 'p', limit: 1, leaseMs, holder: 'test' });

describe('a host whose clock is 90 s ahead', () => {
  it('is told of, with how far', async () => {
    await expect
      .poll(() => troubles.join(), { timeout: 30_000 })
      .toMatch(/clock is (899\d\d|900\d\d) ms ahead/);
  });

  it('takes nobody’s lease before it has ended, and its own last as long as all others’', async () => {
    await right.queue.enqueue({ id: 'x', partition: 'p', priority: 1, position: 0 });
    const [held] = await claim(right);
    expect(held?.id).toBe('x');
    expect(await claim(wrong)).toEqual([]);
    await sleep(1_050);
    const [taken] = await claim(wrong);
    expect(taken?.id).toBe('x');
    expect(await claim(right)).toEqual([]);
    await sleep(1_050);
    const [again] = await claim(right);
    expect(await right.queue.settle('x', again?.token ?? 0)).toBe(true);
  });

  it('postpones until the time that it means, and is told due times in its own', async () => {
    await wrong.queue.enqueue({ id: 'y', partition: 'q', priority: 1, position: 1 });
    const [held] = await wrong.queue.claim({ partition: 'q', limit: 1, leaseMs: 5_000, holder: 'test' });
    const due = systemClock.wallNow() + aheadMs + 600;
    expect(await wrong.queue.postpone('y', held?.token ?? 0, due)).toBe(true);
    const [row] = await wrong.queue.backlog();
    expect(Math.abs((row?.nextDueAt ?? 0) - due)).toBeLessThan(150);
    const other = { partition: 'q', limit: 1, leaseMs: 1_000, holder: 'test' };
    expect(await right.queue.claim(other)).toEqual([]);
    await sleep(750);
    expect(await right.queue.claim(other)).toMatchObject([{ id: 'y' }]);
  });
});
