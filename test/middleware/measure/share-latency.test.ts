import { type ManualClock, manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import type { EngineStore } from '../../../packages/middleware/src/engines/store.ts';
import { LatencyTable } from '../../../packages/middleware/src/measure/latency-table.ts';
import {
  type Sharing,
  shareLatency,
  sharingPace,
} from '../../../packages/middleware/src/measure/share-latency.ts';
import { scope } from '../../contracts/engine-under-test.ts';
import { makePlace } from '../engines/sqlite/place.ts';
import { until } from '../perform/until.ts';

interface Host {
  readonly sharing: Sharing;
  readonly table: LatencyTable;
  readonly troubles: unknown[];
  readonly clock: ManualClock;
  /** How often its store was asked, and is: some calls may not be answered yet. */
  readonly calls: { asked: number; open: number };
  /** What its way to the store does: calls are done, all or what writes is rejected, or answers are held back. */
  path: 'well' | 'refused' | 'read-only' | 'silent';
  /** Commits that take so long. */
  commits(partition: string, ms: number, count?: number): void;
}

const hosts: Host[] = [];
let engine: OpenEngine;
let end: () => Promise<void>;

beforeEach(async () => {
  const { directory, dispose } = await makePlace();
  engine = await sqliteEngine({ directory }).open({ ...scope, clock: manualClock() });
  end = async () => {
    await engine.close();
    await dispose();
  };
});
afterEach(async () => {
  for (const host of hosts) host.path = 'well';
  await Promise.all(hosts.splice(0).map(({ sharing }) => sharing.close()));
  await end();
});

/** A host with a clock and a way to the store of its own. */
function startHost(name: string, wallMs = Date.UTC(2026, 0, 1)): Host {
  const clock = manualClock(wallMs);
  const table = new LatencyTable({ clock });
  const troubles: unknown[] = [];
  const sharing = shareLatency({
    clock,
    table,
    host: name,
    timeoutMs: 1_000,
    onTrouble: (error) => troubles.push(error),
  });
  const host: Host = {
    sharing,
    table,
    troubles,
    clock,
    calls: { asked: 0, open: 0 },
    path: 'well',
    commits(partition, ms, count = 5) {
      for (let i = 0; i < count; i++) {
        const commit = {
          partition,
          kind: 'explicit' as const,
          startedAt: clock.now() - ms,
          context: undefined,
          durationMs: ms,
          outcome: 'committed' as const,
        };
        table.finish(commit);
      }
    },
  };
  sharing.begin(wayTo(engine.store, host));
  hosts.push(host);
  return host;
}

function wayTo(store: EngineStore, host: Host): EngineStore {
  async function pass<Value>(call: () => Promise<Value>, writes = true): Promise<Value> {
    host.calls.asked += 1;
    host.calls.open += 1;
    try {
      const isRefused = host.path === 'refused' || (host.path === 'read-only' && writes);
      if (isRefused) throw new Error('refused');
      const value = await call();
      await until(() => host.path !== 'silent');
      return value;
    } finally {
      host.calls.open -= 1;
    }
  }
  return {
    ...store,
    put: (...call) => pass(() => store.put(...call)),
    list: (...call) => pass(() => store.list(...call), false),
    delete: (...call) => pass(() => store.delete(...call)),
  };
}

/** Lets one telling and hearing of each host go by, one host after the other. */
async function round(...of: readonly Host[]): Promise<void> {
  for (const { clock, calls } of of) {
    await until(() => calls.open === 0);
    const before = calls.asked;
    clock.advance(sharingPace.everyMs);
    // Its timer is set where the answers are taken in, a moment after they came.
    await until(() => calls.asked > before && calls.open === 0 && clock.pending > 0);
  }
}

describe('hosts that share', () => {
  it('hear of each other what each measured itself, and not themselves', async () => {
    const [a, b, c] = [startHost('a'), startHost('b'), startHost('c')];
    a.commits('orders', 10);
    b.commits('orders', 20);
    for (let i = 0; i < 3; i++) await round(a, b, c);
    expect(c.sharing.read('orders')).toEqual({ valueMs: 10, hosts: 2 });
    expect(c.sharing.valueOf('orders')).toBe(10);
    expect(a.sharing.read('orders')).toEqual({ valueMs: undefined, hosts: 1 });
    expect(a.sharing.valueOf('orders')).toBeNaN();
    expect([...c.sharing.partitions()]).toEqual(['orders']);
  });

  it('tell nothing while they know nothing, and do not tell on what they were told', async () => {
    const [a, b, c, d] = [startHost('a'), startHost('b'), startHost('c'), startHost('d')];
    a.commits('orders', 10);
    b.commits('orders', 20);
    for (let i = 0; i < 3; i++) await round(a, b, c, d);
    const keys = (await engine.store.list('latency/', { limit: 10 })).map(({ key }) => key.split('/')[1]);
    expect(keys).toEqual(['a', 'b']);
    expect(d.sharing.read('orders')).toEqual({ valueMs: 10, hosts: 2 });
  });

  it('need no common clock: half a minute and more between them changes nothing', async () => {
    const here = Date.UTC(2026, 0, 1);
    const [a, b, c] = [startHost('a', here + 3_600_000), startHost('b', here - 20_000), startHost('c', here)];
    a.commits('orders', 10);
    b.commits('orders', 20);
    for (let i = 0; i < 3; i++) await round(a, b, c);
    expect(c.sharing.read('orders')).toEqual({ valueMs: 10, hosts: 2 });
    // a dies without a word. Its record is there for an hour, and says nothing.
    for (let i = 0; i < 7; i++) await round(b, c);
    expect(c.sharing.read('orders')).toEqual({ valueMs: undefined, hosts: 1 });
    expect(await engine.store.list('latency/a/', { limit: 1 })).toHaveLength(1);
  });

  it('take back what they told when they leave', async () => {
    const [a, b, c] = [startHost('a'), startHost('b'), startHost('c')];
    a.commits('orders', 10);
    b.commits('orders', 20);
    for (let i = 0; i < 3; i++) await round(a, b, c);
    await a.sharing.close();
    expect(await engine.store.list('latency/a/', { limit: 1 })).toEqual([]);
    await round(c);
    expect(c.sharing.read('orders')).toEqual({ valueMs: undefined, hosts: 1 });
  });

  it('let a record expire that nobody takes back', async () => {
    const a = startHost('a');
    a.commits('orders', 10);
    await round(a);
    const [record] = await engine.store.list('latency/a/', { limit: 1 });
    expect(record?.expiresAt).toBe(a.clock.wallNow() + sharingPace.expireAfterMs);
  });
});

describe('a host whose engine is lost', () => {
  /** Two hosts that tell, and one that hears them. */
  async function three(): Promise<readonly [Host, Host, Host]> {
    const [a, b, c] = [startHost('a'), startHost('b'), startHost('c')];
    a.commits('orders', 10);
    b.commits('orders', 20);
    for (let i = 0; i < 3; i++) await round(a, b, c);
    expect(c.sharing.valueOf('orders')).toBe(10);
    return [a, b, c];
  }

  it('by refusals: goes by its own values at once, and says so once', async () => {
    const [a, b, c] = await three();
    c.path = 'refused';
    for (let i = 0; i < 4; i++) {
      await round(a, b, c);
      expect(c.sharing.valueOf('orders')).toBeNaN();
    }
    expect(c.troubles).toEqual([new Error('refused')]);
    c.path = 'well';
    await round(a, b, c);
    expect(c.sharing.valueOf('orders')).toBe(10);
    c.path = 'refused';
    await round(c);
    expect(c.troubles).toHaveLength(2);
  });

  it('by silence: goes by its own values within engineTimeoutMs, asks no more until it is answered, and says so once', async () => {
    const [a, b, c] = await three();
    c.path = 'silent';
    c.clock.advance(sharingPace.everyMs);
    c.clock.advance(999);
    expect(c.sharing.valueOf('orders')).toBe(10);
    c.clock.advance(1);
    expect(c.sharing.valueOf('orders')).toBeNaN();
    const { asked } = c.calls;
    c.clock.advance(600_000);
    expect([c.calls.asked, c.troubles]).toEqual([
      asked,
      [expect.objectContaining({ code: 'engine-timeout' })],
    ]);
    c.path = 'well';
    await until(() => c.calls.open === 0 && c.clock.pending > 0);
    expect(c.sharing.valueOf('orders')).toBeNaN();
    await round(a, b, c);
    await round(a, b, c);
    expect(c.sharing.valueOf('orders')).toBe(10);
    expect(c.troubles).toHaveLength(1);
  });

  it('is closed without waiting any longer than engineTimeoutMs', async () => {
    const [, , c] = await three();
    c.path = 'silent';
    c.clock.advance(sharingPace.everyMs);
    let closed = false;
    const closing = c.sharing.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toBe(false);
    c.clock.advance(1_000);
    await closing;
  });

  it('that can be read and not written hears on, and says once that it is not heard', async () => {
    const [a, b, c] = await three();
    c.commits('orders', 30);
    c.path = 'read-only';
    for (let i = 0; i < 3; i++) await round(a, b, c);
    expect(c.sharing.read('orders')).toEqual({ valueMs: 10, hosts: 2 });
    expect(a.sharing.read('orders')).toEqual({ valueMs: undefined, hosts: 1 });
    expect(c.troubles).toEqual([new Error('refused')]);
  });
});
