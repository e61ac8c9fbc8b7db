import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PostgresServer } from '@slackwater/test-support/postgres';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import type { EngineSpec } from './children/engine-of.ts';

/** The engine that the hosts of a test share, and a way to take it from them. */
export interface SharedEngine {
  readonly spec: EngineSpec;
  /** From now on no host gets a good answer of it. */
  lose(): Promise<void>;
  /** Undoes `lose`. */
  giveBack(): Promise<void>;
  /** Removes it. All hosts have ended. */
  dispose(): Promise<void>;
}

/** One process of an application that runs on several hosts. */
export interface Host {
  readonly name: string;
  /** Sends so many at once and gives the answers' status and, of those postponed, the first reason. */
  post(
    path: string,
    count?: number,
    headers?: Record<string, string>,
  ): Promise<readonly (readonly [status: number, reason?: string])[]>;
  /** Its row of `GET /partitions`; undefined where it has none. */
  partition(): Promise<PartitionSeen | undefined>;
  /** Changes a work type's threshold as an administrator does; gives the answer's status. */
  changeThreshold(workType: string, thresholdMs: number): Promise<number>;
  thresholdOf(workType: string): Promise<number>;
  /** What the gate was doing when it told of trouble. */
  troubles(): Promise<readonly string[]>;
  /** SIGKILL. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface PartitionSeen {
  readonly valueMs?: number;
  readonly samples: number;
  readonly states: Readonly<Record<string, string>>;
  readonly others?: { readonly valueMs?: number; readonly hosts: number };
}

/** How a host is started. */
export interface HostSetup {
  readonly name: string;
  /** Its own commits take so much longer, by a setting of its connections; nobody else's do. */
  readonly slowerByMs?: number;
  readonly shares?: boolean;
}

const program = fileURLToPath(new URL('children/sharing-host.ts', import.meta.url));
const secret = randomBytes(32).toString('hex');
const token = jwt.sign({ iss: 'test', aud: 'shop', scope: 'audit:read admin' }, secret, { expiresIn: '1h' });

/** The table of orders, which remembers the host that wrote each, and makes commits slow by a setting of the connection. */
export async function prepareOrders({ connectionString }: PostgresServer): Promise<void> {
  await withDatabase(connectionString, (operator) =>
    operator.query(`
      CREATE TABLE orders (id bigserial PRIMARY KEY, host text NOT NULL);
      CREATE FUNCTION slower() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_sleep(current_setting('host.slower_by_ms')::int / 1000.0);
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER slower AFTER INSERT ON orders
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slower();
    `),
  );
}

/** How many orders each host wrote. */
export async function ordersByHost({ connectionString }: PostgresServer): Promise<Record<string, number>> {
  const { rows } = await withDatabase(connectionString, (operator) =>
    operator.query<{ host: string; n: number }>('SELECT host, count(*)::int AS n FROM orders GROUP BY host'),
  );
  return Object.fromEntries(rows.map(({ host, n }) => [host, n]));
}

async function withDatabase<Result>(
  connectionString: string,
  body: (operator: pg.Client) => Promise<Result>,
): Promise<Result> {
  const operator = new pg.Client({ connectionString });
  await operator.connect();
  try {
    return await body(operator);
  } finally {
    await operator.end();
  }
}

export async function startHost(
  database: PostgresServer,
  engine: SharedEngine,
  { name, slowerByMs = 0, shares = false }: HostSetup,
): Promise<Host> {
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      DATABASE_URL: database.connectionString,
      ENGINE: JSON.stringify(engine.spec),
      HOST: name,
      SECRET: secret,
      SHARE: shares ? 'yes' : 'no',
      PGOPTIONS: `-c host.slower_by_ms=${slowerByMs}`,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
  const url = line.toString().trim();
  const postOne = async (path: string, headers: Record<string, string>): Promise<[number, string?]> => {
    const response = await fetch(url + path, { method: 'POST', headers });
    const body = await response.text();
    if (response.status !== 503) return [response.status];
    const { reasons } = JSON.parse(body) as { readonly reasons: readonly string[] };
    return [503, reasons[0] ?? ''];
  };
  return {
    name,
    post: (path, count = 1, headers = {}) =>
      Promise.all(Array.from({ length: count }, () => postOne(path, headers))),
    async partition() {
      const response = await fetch(`${url}/slackwater/partitions`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const { partitions } = (await response.json()) as {
        readonly partitions: readonly (PartitionSeen & { readonly partition: string })[];
      };
      return partitions.find(({ partition }) => partition === 'orders');
    },
    async changeThreshold(workType, thresholdMs) {
      const { status } = await fetch(`${url}/slackwater/work-types/${workType}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ thresholdMs }),
      });
      return status;
    },
    async thresholdOf(workType) {
      const response = await fetch(`${url}/slackwater/work-types/${workType}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return ((await response.json()) as { readonly thresholdMs: number }).thresholdMs;
    },
    troubles: async () => (await fetch(`${url}/troubles`)).json() as Promise<string[]>,
    kill: () => ended(child, () => child.kill('SIGKILL')),
    stop: () => ended(child, () => child.stdin?.end()),
  };
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'close');
  end();
  await gone;
}
