import { SlackwaterError } from '@slackwater/shared';
import { manualClock } from '@slackwater/test-support/manual-clock';
import express5, { type Request, type Response } from 'express';
import { describe, expect, it } from 'vitest';
import { expresses } from './expresses.ts';
import { answered, captured, replayThrough } from './replaying.ts';
import { signal } from './signal.ts';

const post = captured('POST', '/route', { body: Buffer.from('body') });

describe.each(expresses)('a replay in trouble, on %s', (_name, express) => {
  const appThat = (handler: (req: Request, res: Response) => unknown) => {
    const app = express();
    app.set('env', 'production');
    app.post('/route', (req, res) => void handler(req, res));
    return app;
  };

  it('that no route matches is route-missing, not an answer', async () => {
    const app = express();
    app.use(express.text());
    app.get('/route', (_req, res) => void res.end());
    expect(await replayThrough(app, post)).toEqual({ kind: 'route-missing' });
    expect(await replayThrough(undefined, post)).toEqual({ kind: 'route-missing' });
  });

  it('gets from a handler that throws what Express answers', async () => {
    const app = appThat(() => {
      throw Object.assign(new Error('secret'), { status: 503, headers: { 'Retry-After': '7' } });
    });
    const errors: unknown[] = [];
    const answer = await answered(replayThrough(app, post, { onRouteError: (error) => errors.push(error) }));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('7');
    expect(answer.text).toContain('Service Unavailable');
    expect(answer.text).not.toContain('secret');
    expect(errors).toHaveLength(1);
  });

  it('gets the answer of the application where it has an error handler', async () => {
    const app = express();
    app.post('/route', (_req, _res, next) => next(new Error('no')));
    app.use(
      (_error: unknown, _req: Request, res: Response, _next: () => void) => void res.status(409).send('mine'),
    );
    expect(await answered(replayThrough(app, post))).toMatchObject({ status: 409, text: 'mine' });
  });

  it('is timed out where the handler never answers, and its connection closed', async () => {
    const clock = manualClock();
    const { happened: reached, tell: reach } = signal<void>();
    const { happened: closed, tell: close } = signal<void>();
    const app = appThat((_req, res) => {
      res.on('close', close);
      reach();
    });
    const result = replayThrough(app, post, { clock, timeoutMs: 30_000 });
    await reached;
    clock.advance(29_999);
    expect(
      await Promise.race([result, new Promise((resolve) => setImmediate(resolve, 'still waiting'))]),
    ).toBe('still waiting');
    clock.advance(1);
    expect(await result).toEqual({ kind: 'timed-out' });
    await closed;
    expect(clock.pending).toBe(0);
  });

  it('is timed out where the answer begins and never ends', async () => {
    const clock = manualClock();
    const { happened: reached, tell: reach } = signal<void>();
    const app = appThat((_req, res) => {
      res.write('half');
      reach();
    });
    const result = replayThrough(app, post, { clock, timeoutMs: 1_000 });
    await reached;
    clock.advance(1_000);
    expect(await result).toEqual({ kind: 'timed-out' });
  });

  it('is broken where the handler destroys its socket', async () => {
    const app = appThat((req) => req.socket.destroy());
    expect(await replayThrough(app, post)).toMatchObject({ kind: 'broken' });
  });

  it('is broken where the handler closes half way', async () => {
    const app = appThat((_req, res) => {
      res.write('half');
      setImmediate(() => res.destroy());
    });
    expect(await replayThrough(app, post)).toMatchObject({ kind: 'broken' });
    const short = appThat((_req, res) => {
      res.set('Content-Length', '10');
      res.write('half');
      setImmediate(() => res.socket?.end());
    });
    expect(await replayThrough(short, post)).toMatchObject({ kind: 'broken' });
  });

  it('is broken where the handler fails after its answer has begun', async () => {
    const app = express();
    app.post('/route', (_req, res, next) => {
      res.write('half');
      next(new Error('too late'));
    });
    expect(await replayThrough(app, post)).toMatchObject({ kind: 'broken' });
  });

  it('stops where its signal says so', async () => {
    const lost = new AbortController();
    const { happened: closed, tell: close } = signal<void>();
    const app = appThat((_req, res) => {
      res.on('close', close);
      lost.abort();
    });
    expect(await replayThrough(app, post, { signal: lost.signal })).toEqual({ kind: 'aborted' });
    await closed;
    expect(await replayThrough(app, post, { signal: lost.signal })).toEqual({ kind: 'aborted' });
  });

  it('is refused where the driver refuses the transaction in one string', async () => {
    const app = express();
    const error = new SlackwaterError('transaction-in-one-string', 'begin; commit in one string');
    app.post('/route', (_req, _res, next) => next(error));
    expect(await replayThrough(app, post)).toEqual({
      kind: 'refused',
      error: { code: 'transaction-in-one-string', message: 'begin; commit in one string' },
    });
  });

  it('is refused where the record could be two requests, or none', async () => {
    let reached = 0;
    const app = express();
    app.use((_req, res) => {
      reached += 1;
      res.end();
    });
    const refused = { kind: 'refused', error: { code: 'record-corrupt' } };
    const withHeader = (header: string, value: string) =>
      replayThrough(app, captured('POST', '/route', { headers: [[header, value]] }));
    expect(await withHeader('x-request-id', 'a\r\nx: y')).toMatchObject(refused);
    expect(await withHeader('x request', 'a')).toMatchObject(refused);
    expect(await withHeader('Transfer-Encoding', 'chunked')).toMatchObject(refused);
    expect(await withHeader('content-length', '1')).toMatchObject(refused);
    expect(await withHeader('expect', '100-continue')).toMatchObject(refused);
    expect(await withHeader('x-request-id', 'snow \u2603')).toMatchObject(refused);
    for (const url of ['/a b', '/a\r\nHost: b', 'no path', '', '/snow\u2603']) {
      expect(await replayThrough(app, captured('POST', url))).toMatchObject(refused);
    }
    for (const method of ['CONNECT', 'post', 'GET /x', '']) {
      expect(await replayThrough(app, captured(method, '/route'))).toMatchObject(refused);
    }
    expect(reached).toBe(0);
  });
});

describe('a replay in trouble, on Express 5 alone', () => {
  it('gets a 500 from a handler that rejects', async () => {
    const app = express5();
    app.set('env', 'production');
    app.post('/route', async () => {
      throw new Error('later');
    });
    expect((await answered(replayThrough(app, post))).status).toBe(500);
  });
});
