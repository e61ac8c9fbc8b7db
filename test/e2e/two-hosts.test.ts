import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Host {
  readonly url: string;
  readonly process: ChildProcess;
}

const program = fileURLToPath(new URL('children/host.ts', import.meta.url));
let server: PostgresServer;
let slow: Host;
let quick: Host;

/** Starts a host. Its own commits take so much longer, by a setting of its connections; nobody else's do. */
async function startHost(slowerByMs: number): Promise<Host> {
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      DATABASE_URL: server.connectionString,
      PARTITION: 'orders',
      PGOPTIONS: `-c host.slower_by_ms=${slowerByMs}`,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
  return { url: line.toString().trim(), process: child };
}

async function stopHost({ process: child }: Host): Promise<void> {
  const gone = once(child, 'close');
  child.stdin?.end();
  await gone;
}

/** Sends orders, all at once, and gives the status of each. */
function order({ url }: Host, count: number): Promise<number[]> {
  const one = async (): Promise<number> => (await fetch(`${url}/orders`, { method: 'POST' })).status;
  return Promise.all(Array.from({ length: count }, one));
}

async function latencyOf({ url }: Host): Promise<{ readonly valueMs: number; readonly samples: number }> {
  return (await fetch(`${url}/latency`)).json() as Promise<{ valueMs: number; samples: number }>;
}

beforeAll(async () => {
  server = await startPostgres();
  const operator = new pg.Client({ connectionString: server.connectionString });
  await operator.connect();
  await operator.query(`
    CREATE TABLE orders (id bigserial PRIMARY KEY);
    CREATE FUNCTION slower() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_sleep(current_setting('host.slower_by_ms')::int / 1000.0);
      RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER slower AFTER INSERT ON orders
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slower();
  `);
  await operator.end();
  [slow, quick] = await Promise.all([startHost(400), startHost(0)]);
  await Promise.all([order(slow, 8), order(quick, 8)]);
});

afterAll(async () => {
  await Promise.all([stopHost(slow), stopHost(quick)]);
  await server.stop();
});

describe('two processes with the same partition of the same database', () => {
  it('keep independent values: neither knows what the other commits (D-02)', async () => {
    const [slowly, quickly] = await Promise.all([latencyOf(slow), latencyOf(quick)]);
    expect([slowly.samples, quickly.samples]).toEqual([8, 8]);
    expect(slowly.valueMs).toBeGreaterThanOrEqual(400);
    expect(quickly.valueMs).toBeLessThan(200);
  });

  it('judge the same kind of item each by its own value: the one that is not over performs without postponement (D-24)', async () => {
    const [bySlow, byQuick] = await Promise.all([order(slow, 12), order(quick, 12)]);
    expect(byQuick).toEqual(Array.from({ length: 12 }, () => 201));
    // One of them is the probe.
    expect(bySlow.filter((status) => status === 503)).toHaveLength(11);
  });
});
