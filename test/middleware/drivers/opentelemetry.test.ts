import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { type Attributes, context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { slackwater } from '@slackwater/middleware';
import {
  type CommitSpansOptions,
  commitSpans,
  type DatabaseSpan,
  recordCalls,
} from '@slackwater/middleware/opentelemetry';
import { observe } from '@slackwater/middleware/pg';
import {
  type PostgresServer,
  type SlowCommits,
  slowCommits,
  startPostgres,
} from '@slackwater/test-support/postgres';
import express from 'express';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';

let server: PostgresServer;
let pool: pg.Pool;
const open: pg.Pool[] = [];
let slow: SlowCommits;
let heard: HeardCommits;
const instrumentation = new PgInstrumentation();
const undo: (() => unknown)[] = [];
const require = createRequire(import.meta.url);
// Instrumentations patch what is required; it is the same that was imported.
for (const name of ['pg', 'pg-pool']) require(name);

beforeAll(async () => {
  server = await startPostgres();
  const operator = new pg.Client({ connectionString: server.connectionString });
  await operator.connect();
  await operator.query('CREATE TABLE t (id serial PRIMARY KEY, n int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
  slow = await slowCommits(operator, ['t']);
  undo.push(() => operator.end());
});
afterAll(async () => {
  for (const step of undo.splice(0)) await step();
  await server.stop();
});

let provider: NodeTracerProvider | undefined;
let exporter: InMemorySpanExporter;
const warnings: Error[] = [];
const onWarning = (warning: Error): number => warnings.push(warning);

beforeEach(() => {
  heard = hearCommits();
  warnings.length = 0;
  process.on('warning', onWarning);
});
afterEach(async () => {
  await slow.set(0);
  for (const one of open.splice(0)) await one.end();
  heard.close();
  process.off('warning', onWarning);
  instrumentation.disable();
  await provider?.shutdown();
  trace.disable();
  context.disable();
});

/** Traces as an application would: with the processor, the instrumentation of pg, and a pool. */
function start(options: CommitSpansOptions = { partition: 'spans' }, sampler?: Sampler): void {
  exporter = new InMemorySpanExporter();
  provider = new NodeTracerProvider({
    spanProcessors: [commitSpans(options), new SimpleSpanProcessor(exporter)],
    ...(sampler && { sampler }),
  });
  provider.register();
  instrumentation.setTracerProvider(provider);
  instrumentation.enable();
  pool = new pg.Pool({ connectionString: server.connectionString, max: 4 });
  pool.on('error', () => {});
  open.push(pool);
}

/** As in the handler of a request. */
function inSpan<T>(work: () => Promise<T>, name = 'POST /orders'): Promise<T> {
  return trace.getTracer('test').startActiveSpan(name, async (span: Span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

async function transaction(...statements: readonly string[]): Promise<void> {
  const client = await pool.connect();
  try {
    for (const statement of ['BEGIN', ...statements]) await client.query(statement);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const write = 'INSERT INTO t DEFAULT VALUES';
const summary = (): readonly string[] => heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`);

describe('the spans of pg, read as commits', () => {
  it('show a transaction as one explicit commit, with its duration and the request’s context', async () => {
    start();
    await slow.set(100);
    const request = contextOf();
    await requestContext.run(request, () => inSpan(() => transaction(write, write)));
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.started).toEqual(heard.finished);
    const [commit] = heard.finished;
    expect(commit?.partition).toBe('spans');
    expect(commit?.durationMs).toBeGreaterThan(90);
    expect(commit?.context).toBe(request);
    expect(request.written).toEqual(['spans']);
  });

  it('show a commit that is under way', async () => {
    start();
    await slow.set(300);
    const done = inSpan(() => transaction(write));
    await expect.poll(() => heard.started.length).toBe(1);
    expect(heard.finished).toEqual([]);
    await done;
  });

  it('show nothing of reading and rolling back', async () => {
    start();
    await inSpan(async () => {
      await pool.query('SELECT 1');
      await transaction('SELECT 1');
      await transaction(write, 'nonsense').catch(() => {});
    });
    expect(summary()).toEqual([]);
  });

  it('show a write outside a transaction as autocommit, where its trace would show a BEGIN', async () => {
    start();
    await inSpan(() => pool.query(write));
    expect(summary()).toEqual(['autocommit committed']);
    // Alone in its trace it may stand behind a BEGIN that is alone in another.
    await pool.query(write);
    expect(summary()).toEqual(['autocommit committed']);
    await inSpan(async () => {
      const client = await pool.connect();
      await client.query('BEGIN');
      // Of which connection a span is, it does not say.
      await pool.query(write);
      await client.query('ROLLBACK');
      client.release();
    });
    expect(summary()).toEqual(['autocommit committed']);
  });

  it('show COMMITs that stand alone in their traces, of which nobody knows whether they wrote', async () => {
    start();
    await transaction(write);
    expect(summary()).toEqual(['explicit committed']);
  });

  it('tell apart transactions of one request by the spans they are called in', async () => {
    start();
    await inSpan(() =>
      Promise.all([
        inSpan(() => transaction(write, 'SELECT pg_sleep(0.05)'), 'writes'),
        inSpan(() => transaction('SELECT 1', 'SELECT pg_sleep(0.01)'), 'reads'),
      ]),
    );
    expect(summary()).toEqual(['explicit committed']);
  });

  it('show a COMMIT that is refused as failed, and one after a failed statement as rolled back', async () => {
    start();
    await inSpan(() => transaction('INSERT INTO t (n) VALUES (7), (7)').catch(() => {}));
    expect(summary()).toEqual(['explicit failed']);
    await inSpan(async () => {
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query(write);
      await client.query('nonsense').catch(() => {});
      await client.query('COMMIT');
      client.release();
    });
    expect(summary()).toEqual(['explicit failed', 'explicit rolledBack']);
  });

  it('take savepoints and chains for what they are', async () => {
    start();
    await inSpan(async () => {
      const client = await pool.connect();
      for (const text of ['BEGIN', write, 'SAVEPOINT s', 'RELEASE SAVEPOINT s', 'SAVEPOINT r']) {
        await client.query(text);
      }
      await client.query('nonsense').catch(() => {});
      for (const text of ['ROLLBACK TO SAVEPOINT r', 'COMMIT AND CHAIN', 'COMMIT']) await client.query(text);
      client.release();
    });
    expect(summary()).toEqual(['explicit committed']);
  });

  it('show begin; ...; commit in one text as one commit, and a named statement by what it says', async () => {
    start();
    await inSpan(async () => {
      await pool.query(`begin; ${write}; commit`);
      await pool.query({ name: 'commit_of_goods', text: 'SELECT 1' });
      await pool.query('WITH x AS (INSERT INTO t DEFAULT VALUES RETURNING id) SELECT * FROM x');
    });
    expect(summary()).toEqual(['explicit committed', 'autocommit committed']);
  });

  it('go to the partition that the option gives, or to none', async () => {
    start({
      partition: ({ system, namespace, address, port }) =>
        namespace === 'postgres' ? undefined : `${system} ${namespace} ${address}:${port}`,
    });
    await inSpan(() => transaction(write));
    const { user, password, database, host, port } = server;
    const elsewhere = new pg.Client({ user, password, host, port, database: 'postgres' });
    await elsewhere.connect();
    await inSpan(() => elsewhere.query('CREATE TEMPORARY TABLE t (n int)'));
    await elsewhere.end();
    expect(heard.finished.map(({ partition }) => partition)).toEqual([
      `postgresql ${database} ${host}:${port}`,
    ]);
  });
});

describe('a gate that hears of commits by spans alone', () => {
  it('learns where routes commit, and holds them back while that is slow', async () => {
    start({ partition: 'traced' });
    const gate = slackwater({ thresholdMs: 50, latency: { probeEveryMs: 60_000 } });
    const app = express();
    app.use(gate);
    app.post('/orders/:id', async (_req, res) => {
      await inSpan(() => transaction(write));
      res.status(201).end();
    });
    app.post('/echo', (_req, res) => void res.end());
    const http = createServer(app);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const post = async (path: string): Promise<number> =>
      (await fetch(url + path, { method: 'POST' })).status;
    try {
      expect(await post('/orders/1')).toBe(201);
      await slow.set(150);
      await Promise.all(Array.from({ length: 6 }, (_, n) => post(`/orders/${n}`)));
      // One of them is the probe.
      const answers = [await post('/orders/7'), await post('/orders/8')];
      expect(answers).toContain(503);
      expect(await post('/echo')).toBe(200);
    } finally {
      http.closeAllConnections();
      http.close();
      await gate.close();
    }
  });
});

describe('traces that are not sampled', () => {
  const none = (): Sampler => new ParentBasedSampler({ root: new AlwaysOffSampler() });

  it('are not seen', async () => {
    start(undefined, none());
    await inSpan(() => transaction(write));
    expect(summary()).toEqual([]);
  });

  it('are seen with recordCalls, and not exported', async () => {
    start(undefined, recordCalls(none()));
    await inSpan(() => transaction(write));
    await inSpan(() => pool.query(write));
    expect(summary()).toEqual(['explicit committed', 'autocommit committed']);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

describe('a pool that is observed as well', () => {
  it('is counted once, by the driver', async () => {
    start({ partition: 'both' });
    observe(pool, { partition: 'both' });
    await inSpan(() => transaction(write));
    await inSpan(() => pool.query(write));
    expect(summary()).toEqual(['explicit committed', 'autocommit committed']);
    expect(warnings).toEqual([]);
  });

  it('is counted once also under another name, with a warning', async () => {
    start({ partition: 'other' });
    observe(pool, { partition: 'driver' });
    for (let n = 0; n < 3; n++) await inSpan(() => transaction(write));
    expect(heard.finished.map(({ partition }) => partition)).toEqual(['driver', 'driver', 'driver']);
    await expect.poll(() => warnings.length).toBe(1);
    expect(warnings[0]).toMatchObject({
      code: 'commits-observed-twice',
      message: expect.stringContaining('"driver"'),
    });
  });
});

describe('any instrumentation', () => {
  /** A call as an instrumentation of whatever client would trace it. */
  function call(attributes: Attributes, name = 'query', failed = false): void {
    const span = trace.getTracer('test').startSpan(name, { kind: SpanKind.CLIENT, attributes });
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
  const old = (text: string): Attributes => ({ 'db.system': 'mysql', 'db.statement': text });
  const stable = (text: string): Attributes => ({ 'db.system.name': 'mysql', 'db.query.text': text });
  const operation = (text: string): Attributes => ({ 'db.system.name': 'mysql', 'db.operation.name': text });

  it.each([
    ['the old conventions', old],
    ['the stable conventions', stable],
    ['the operation alone', operation],
  ])('is read by %s', async (_, of) => {
    start();
    await inSpan(async () => {
      for (const word of ['START TRANSACTION', 'INSERT', 'COMMIT', 'UPDATE', 'SELECT']) call(of(word));
    });
    expect(summary()).toEqual(['explicit committed', 'autocommit committed']);
  });

  it('is read by the span’s name where there is nothing else', async () => {
    start();
    await inSpan(async () => {
      for (const word of ['BEGIN', 'INSERT shop.orders', 'COMMIT']) call({ 'db.system': 'mysql' }, word);
    });
    expect(summary()).toEqual(['explicit committed']);
  });

  it('gives one commit where an ORM’s span is around the client’s', async () => {
    start();
    const tracer = trace.getTracer('test');
    await inSpan(async () => {
      for (const text of ['BEGIN', 'INSERT INTO t', 'COMMIT']) {
        const attributes = old(text);
        tracer.startActiveSpan('orm', { kind: SpanKind.CLIENT, attributes }, (outer) => {
          call(old(text));
          outer.end();
        });
      }
    });
    expect(summary()).toEqual(['explicit committed']);
  });

  it('of other databases is a commit only where it says so', async () => {
    start();
    await inSpan(async () => {
      call({ 'db.system.name': 'redis', 'db.operation.name': 'SET' });
      call({ 'db.system.name': 'mongodb', 'db.operation.name': 'insert' });
      call({ 'db.system.name': 'mongodb', 'db.operation.name': 'commitTransaction' });
      trace
        .getTracer('test')
        .startSpan('COMMIT', { attributes: old('COMMIT') })
        .end();
      call({ 'http.request.method': 'POST' }, 'COMMIT');
    });
    expect(summary()).toEqual(['explicit committed']);
  });

  it('counts a write that failed where it may be the database’s fault', async () => {
    start();
    await inSpan(async () => {
      const code = (value: string): Attributes => ({
        ...stable('INSERT INTO t'),
        'db.response.status_code': value,
      });
      call(code('23505'), 'INSERT', true);
      call(code('57014'), 'INSERT', true);
      call(stable('INSERT INTO t'), 'INSERT', true);
    });
    expect(summary()).toEqual(['autocommit rolledBack', 'autocommit failed', 'autocommit failed']);
  });

  it('never has an error thrown at it', async () => {
    start({
      partition: () => {
        throw new Error('no name for it');
      },
    });
    await inSpan(async () => {
      call(old('COMMIT'));
      call(old('COMMIT'));
    });
    expect(summary()).toEqual([]);
    await expect.poll(() => warnings.length).toBe(1);
    expect(warnings[0]?.message).toContain('no name for it');
    const processor = commitSpans({ partition: 'x' });
    for (const junk of [
      undefined,
      null,
      {},
      { kind: 2, attributes: null },
      { kind: 2, attributes: { 'db.system': 'x' } },
    ]) {
      processor.onStart(junk as unknown as DatabaseSpan);
      processor.onEnd(junk as unknown as DatabaseSpan);
    }
  });

  it.each([[[Number.NaN, 0]], [[-1, 0]], [[1e12, 0]], [undefined]])(
    'is believed a duration only where there can be one: %j',
    (duration) => {
      const processor = commitSpans({ partition: 'spans' });
      const span = {
        ...{ name: 'COMMIT', kind: 2, status: { code: 0 }, attributes: old('COMMIT') },
        duration: duration as unknown as [number, number],
        spanContext: () => ({ traceId: 'a', spanId: 'b' }),
      };
      processor.onStart(span);
      processor.onEnd(span);
      processor.onEnd(span);
      expect(heard.finished).toHaveLength(1);
      expect(heard.finished[0]?.durationMs).toBeLessThan(10_000);
      expect(heard.finished[0]?.durationMs).toBeGreaterThanOrEqual(0);
    },
  );

  it('that begins more than it ends is remembered within bounds, and keeps nobody from being seen', async () => {
    const processor = commitSpans({ partition: 'spans' });
    const spanOf = (text: string, id: string): DatabaseSpan => ({
      ...{ name: text, kind: 2, status: { code: 0 }, attributes: old(text), duration: [0, 1_000_000] },
      parentSpanContext: { spanId: 'p' },
      spanContext: () => ({ traceId: `t${id}`, spanId: `s${id}` }),
    });
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 50_000; n++) processor.onStart(spanOf('BEGIN', String(n)));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(40 * 1024 * 1024);
    processor.onStart(spanOf('COMMIT', 'last'));
    processor.onEnd(spanOf('COMMIT', 'last'));
    expect(summary()).toEqual(['explicit committed']);
    for (let n = 0; n < 20_000; n++) processor.onStart(spanOf('COMMIT', `never ${n}`));
    expect(heard.started.length - heard.finished.length).toBeLessThanOrEqual(10_000);
    await processor.shutdown();
    expect(heard.finished).toHaveLength(heard.started.length);
  });

  it('leaves no commit without an end when it is shut down, and is not heard afterwards', async () => {
    start();
    await inSpan(async () => {
      trace.getTracer('test').startSpan('COMMIT', { kind: SpanKind.CLIENT, attributes: old('COMMIT') });
      expect(heard.started).toHaveLength(1);
      await provider?.shutdown();
      expect(summary()).toEqual(['explicit rolledBack']);
    });
  });

  it.each([
    [undefined, 'commitSpans(): undefined is an undefined; give an object'],
    [{}, 'commitSpans() needs the option partition'],
    [{ partition: '' }, 'partition: "" is a string; give a name of 1 to 200 characters'],
    [{ partition: 'x', database: 'y' }, 'commitSpans() knows no option database'],
  ])('is refused with options that can’t be meant: %j', (options, message) => {
    expect(() => commitSpans(options as CommitSpansOptions)).toThrow(message);
  });
});
