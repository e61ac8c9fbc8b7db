import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip, gunzipSync } from 'node:zlib';
import type { Response } from 'express';
import { describe, expect, it } from 'vitest';
import { expresses } from './expresses.ts';
import { answered, captured, replayThrough } from './replaying.ts';
import { signal } from './signal.ts';

describe.each(expresses)('the answer to a replay, on %s', (_name, express) => {
  const appThat = (handler: (res: Response) => void) => {
    const app = express();
    app.set('env', 'test');
    app.all('/route', (_req, res) => handler(res));
    return app;
  };
  const post = captured('POST', '/route');

  it('is kept with its status, headers and body', async () => {
    const app = appThat((res) => res.status(201).set('X-Order', '17').json({ ok: true }));
    const answer = await answered(replayThrough(app, post));
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      'x-order': '17',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(answer.headers['date']).toMatch(/GMT$/);
    expect(answer.text).toBe('{"ok":true}');
  });

  it('loses cookies, framing and what belongs to one connection', async () => {
    const app = appThat((res) => {
      res.cookie('session', 'secret');
      res.set({ Connection: 'close, X-Hop', 'X-Hop': '1', 'Keep-Alive': 'timeout=5', 'X-End': '2' });
      res.send('bye');
    });
    const { headers } = await answered(replayThrough(app, post));
    for (const name of [
      'set-cookie',
      'connection',
      'x-hop',
      'keep-alive',
      'content-length',
      'transfer-encoding',
    ]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers['x-end']).toBe('2');
  });

  it('keeps repeated headers in their order', async () => {
    const app = appThat((res) => res.set('Link', ['<a>', '<b>'] as unknown as string).end());
    const result = await replayThrough(app, post);
    const headers = result.kind === 'answered' ? result.outcome.headers : [];
    expect(headers.filter(([name]) => name === 'link')).toEqual([
      ['link', '<a>'],
      ['link', '<b>'],
    ]);
  });

  it('may be written in pieces, with trailers', async () => {
    const app = appThat((res) => {
      res.setHeader('Trailer', 'X-Sum');
      res.write('one,');
      setImmediate(() => {
        res.write('two');
        res.addTrailers({ 'X-Sum': '2' });
        res.end();
      });
    });
    const { text, headers } = await answered(replayThrough(app, post));
    expect(text).toBe('one,two');
    expect(headers).not.toHaveProperty('trailer');
  });

  it('may be piped, compressed, and larger than every buffer on its way', async () => {
    const whole = Buffer.alloc(700_000, 'slack water ');
    const app = appThat((res) => {
      res.set('Content-Encoding', 'gzip');
      Readable.from(chunked(whole)).pipe(createGzip()).pipe(res);
    });
    const { body, headers } = await answered(replayThrough(app, post));
    expect(headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(body).equals(whole)).toBe(true);

    const plain = appThat((res) => Readable.from(chunked(whole)).pipe(res));
    expect(Buffer.from((await answered(replayThrough(plain, post))).body).equals(whole)).toBe(true);
  });

  it('may come from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slackwater-file-'));
    try {
      writeFileSync(join(folder, 'report.txt'), 'x'.repeat(200_000));
      const app = appThat((res) => res.sendFile(join(folder, 'report.txt')));
      const { text, headers } = await answered(replayThrough(app, captured('GET', '/route')));
      expect(text).toHaveLength(200_000);
      expect(headers['content-type']).toMatch(/^text\/plain/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has no body for HEAD, 204 and 304', async () => {
    const hello = appThat((res) => res.send('hello'));
    expect(await answered(replayThrough(hello, captured('HEAD', '/route')))).toMatchObject({
      status: 200,
      text: '',
    });
    for (const status of [204, 304]) {
      const app = appThat((res) => res.status(status).end());
      expect(await answered(replayThrough(app, post))).toMatchObject({ status, text: '' });
    }
  });

  it('may be a redirect, which is not followed', async () => {
    const app = appThat((res) => res.redirect(303, '/elsewhere'));
    const { status, headers } = await answered(replayThrough(app, post));
    expect([status, headers['location']]).toEqual([303, '/elsewhere']);
  });

  it('may be ended by the end of the connection', async () => {
    const app = appThat((res) => {
      res.removeHeader('Transfer-Encoding');
      res.set('Connection', 'close');
      res.write('a');
      res.end('b');
    });
    expect((await answered(replayThrough(app, post))).text).toBe('ab');
  });

  it('is the first one where a handler answers twice', async () => {
    const app = appThat((res) => {
      res.send('first');
      res.send('second');
    });
    const { happened: promise, tell: resolve } = signal<unknown>();
    expect((await answered(replayThrough(app, post, { onRouteError: resolve }))).text).toBe('first');
    expect(await promise).toMatchObject({ code: 'ERR_HTTP_HEADERS_SENT' });
  });

  it('may be informed about before it comes', async () => {
    const app = appThat((res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      res.send('late');
    });
    expect((await answered(replayThrough(app, post))).text).toBe('late');
  });

  it('lets the response finish as on any connection', async () => {
    const seen: string[] = [];
    const { happened: closed, tell: resolve } = signal<void>();
    const app = appThat((res) => {
      res.on('finish', () => seen.push('finish'));
      res.on('close', () => resolve());
      res.send('x'.repeat(100_000));
    });
    await replayThrough(app, post);
    await closed;
    expect(seen).toEqual(['finish']);
  });

  it('is let run to its end beyond maxOutcomeBytes, and only its status is kept', async () => {
    let finished = false;
    const app = appThat((res) => {
      res.on('finish', () => {
        finished = true;
      });
      Readable.from(chunked(Buffer.alloc(500_000))).pipe(res.status(200));
    });
    expect(await replayThrough(app, post, { maxOutcomeBytes: 1_000 })).toEqual({
      kind: 'answered-too-large',
      status: 200,
    });
    expect(finished).toBe(true);
    const fits = appThat((res) => res.send(Buffer.alloc(1_000)));
    expect((await answered(replayThrough(fits, post, { maxOutcomeBytes: 1_000 }))).body).toHaveLength(1_000);
  });
});

function* chunked(whole: Buffer): Generator<Buffer> {
  for (let at = 0; at < whole.length; at += 50_000) yield whole.subarray(at, at + 50_000);
}
