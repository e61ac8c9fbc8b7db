import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { allowListed } from '../../../packages/middleware/src/perform/capturable-headers.ts';
import { type ReplayInfo, replayOf } from '../../../packages/middleware/src/perform/replay-identity.ts';
import { type RequestContext, requestContext } from '../../../packages/middleware/src/request-context.ts';
import { expresses } from './expresses.ts';
import { answered, captured, replayThrough } from './replaying.ts';

describe.each(expresses)('a replayed request, on %s', (_name, express) => {
  /** What a handler sees, told by the handler. */
  const seenBy = async <T>(
    look: (req: Request) => T,
    request = captured('POST', '/route'),
    trustProxy = false,
  ) => {
    const app = express();
    app.set('trust proxy', trustProxy);
    let seen: T | undefined;
    app.all('/route', (req, res) => {
      seen = look(req);
      res.end();
    });
    expect((await replayThrough(app, request)).kind).toBe('answered');
    return seen;
  };

  it('has the method, the path with its query, and the headers that were kept', async () => {
    const request = captured('PATCH', '/route?a=1&a=2&%20', {
      headers: [
        ['host', 'shop.example:8080'],
        ['accept', 'text/html'],
        ['accept', 'text/plain'],
        ['x-request-id', 'r1'],
      ],
    });
    const seen = await seenBy((req) => [req.method, req.originalUrl, req.hostname, req.headers], request);
    expect(seen).toEqual([
      'PATCH',
      '/route?a=1&a=2&%20',
      'shop.example',
      {
        host: 'shop.example:8080',
        accept: 'text/html, text/plain',
        'x-request-id': 'r1',
        'content-length': '0',
      },
    ]);
  });

  it('has one computed Content-Length and no other framing', async () => {
    const raw = (body: string, method: string) =>
      seenBy((req) => req.rawHeaders, captured(method, '/route', { headers: [], body: Buffer.from(body) }));
    expect(await raw('äö', 'POST')).toEqual(['content-length', '4']);
    expect(await raw('x', 'DELETE')).toEqual(['content-length', '1']);
    expect(await raw('', 'PUT')).toEqual(['content-length', '0']);
    expect(await raw('', 'GET')).toEqual([]);
    expect(await raw('', 'DELETE')).toEqual([]);
  });

  it('brings its body byte for byte', async () => {
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    const app = express();
    app.post('/route', express.raw({ type: '*/*', limit: '1mb' }), (req, res) => {
      res.send(req.body);
    });
    const request = captured('POST', '/route', { headers: [['content-type', 'application/x']], body });
    expect(Buffer.from((await answered(replayThrough(app, request))).body).equals(body)).toBe(true);
  });

  it('goes through parsers, also where its body is compressed', async () => {
    const app = express();
    app.use(express.json(), express.urlencoded({ extended: false }));
    app.post('/route', (req, res) => {
      res.json(req.body);
    });
    const zipped = captured('POST', '/route', {
      headers: [
        ['content-type', 'application/json'],
        ['content-encoding', 'gzip'],
      ],
      body: gzipSync('{"a":[1]}'),
    });
    expect((await answered(replayThrough(app, zipped))).text).toBe('{"a":[1]}');
    const form = captured('POST', '/route', {
      headers: [['content-type', 'application/x-www-form-urlencoded']],
      body: Buffer.from('a=1&b=%C3%A4'),
    });
    expect((await answered(replayThrough(app, form))).text).toBe('{"a":"1","b":"ä"}');
  });

  it('may be answered without its body being read', async () => {
    const app = express();
    app.post('/route', (_req, res) => void res.status(202).end('early'));
    const request = captured('POST', '/route', { body: Buffer.alloc(900_000) });
    expect(await answered(replayThrough(app, request))).toMatchObject({ status: 202, text: 'early' });
  });

  it('comes from the original address', async () => {
    const ips = (req: Request) => [req.ip, req.socket.remoteAddress, req.protocol, req.secure];
    expect(await seenBy(ips)).toEqual(['203.0.113.7', '203.0.113.7', 'http', false]);
    const secure = captured('POST', '/route', { remoteAddress: '2001:db8::1', secure: true });
    expect(await seenBy(ips, secure)).toEqual(['2001:db8::1', '2001:db8::1', 'https', true]);
    const nowhere = captured('POST', '/route', { remoteAddress: undefined });
    expect(await seenBy(ips, nowhere)).toEqual([undefined, undefined, 'http', false]);
  });

  it('comes from the original address behind a proxy that the application trusts', async () => {
    const request = captured('POST', '/route', {
      headers: [
        ['x-forwarded-for', '198.51.100.9'],
        ['x-forwarded-proto', 'https'],
      ],
    });
    const ips = (req: Request) => [req.ip, req.protocol];
    expect(await seenBy(ips, request, true)).toEqual(['198.51.100.9', 'https']);
    expect(await seenBy(ips, request, false)).toEqual(['203.0.113.7', 'http']);
  });

  it('lets a handler use its socket as any other', async () => {
    const seen = await seenBy((req) => {
      req.setTimeout(5_000);
      req.res?.setTimeout(5_000);
      req.socket.setNoDelay(true).setKeepAlive(true).ref().unref();
      return req.socket.address();
    });
    expect(seen).toEqual({});
  });

  it('keeps the request context in every callback, and beside other replays', async () => {
    const app = express();
    const keyOf = () => requestContext.getStore()?.completion?.key;
    app.post('/route', (req, res) => {
      const keys = [keyOf()];
      req.on('data', () => keys.push(keyOf()));
      req.on('end', () => {
        keys.push(keyOf());
        setImmediate(() => {
          keys.push(keyOf());
          res.json([...new Set(keys)]);
        });
      });
    });
    const contextOf = (key: string): RequestContext => ({
      postponable: true,
      completion: { key, nextOrdinal: 0, duplicate: false },
      wrote: () => {},
    });
    const request = captured('POST', '/route', { body: Buffer.alloc(200_000, 'x') });
    const answers = await Promise.all(
      ['k1', 'k2', 'k3'].map((key) => answered(replayThrough(app, request, { context: contextOf(key) }))),
    );
    expect(answers.map(({ text }) => text)).toEqual(['["k1"]', '["k2"]', '["k3"]']);
    expect(keyOf()).toBeUndefined();
  });

  it('goes through the outermost application, as the original did', async () => {
    const outer = express();
    const inner = express();
    outer.use('/shop', (req, _res, next) => {
      req.headers['x-outer'] = 'seen';
      next();
    });
    outer.use('/shop', inner);
    inner.post('/route', (req, res) => void res.send(`${req.baseUrl} ${req.headers['x-outer']}`));
    expect((await answered(replayThrough(inner, captured('POST', '/shop/route')))).text).toBe('/shop seen');
  });
});

describe.each(expresses)('the identity of a replay, on %s', (_name, express) => {
  it('says which deferral and attempt it is', async () => {
    const app = express();
    let info: ReplayInfo | undefined;
    app.post('/route', (req, res) => {
      info = replayOf(req);
      res.end();
    });
    await replayThrough(app, captured('POST', '/route', { identity: { sub: 'ann' } }));
    expect(info).toMatchObject({
      id: '01DEFERRAL',
      attempt: 1,
      completionKey: 'deferral:01DEFERRAL',
      requester: 'r-1',
      workType: 'settle',
      identity: { sub: 'ann' },
    });
  });

  it('ends the attempt where it is refused, for instance because an identity can not be restored', async () => {
    const app = express();
    let reached = false;
    app.use((req, _res, next) => {
      const error = { code: 'identity-not-restored', message: 'no such user' } as const;
      replayOf(req)?.refuse(error);
      next();
    });
    app.post('/route', (_req, res) => {
      reached = true;
      res.end();
    });
    expect(await replayThrough(app, captured('POST', '/route'))).toEqual({
      kind: 'refused',
      error: { code: 'identity-not-restored', message: 'no such user' },
    });
    expect(reached).toBe(true);
  });

  it('can not be taken by a caller, whatever headers it sends', async () => {
    const app = express();
    app.all('/route', (req, res) => void res.send(replayOf(req) === undefined ? 'a stranger' : 'a replay'));
    const server = createServer(app).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      const headers = {
        'slackwater-replay': '1',
        'slackwater-deferred': 'id="01DEFERRAL"',
        'x-slackwater-replay': '01DEFERRAL',
        'idempotency-key': 'deferral:01DEFERRAL',
        'x-forwarded-for': '127.0.0.1',
      };
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({ port, host: '127.0.0.1', path: '/route', method: 'POST', headers }, resolve)
          .on('error', reject)
          .end('{"replay":true}');
      });
      expect(Buffer.concat(await response.toArray()).toString()).toBe('a stranger');
    } finally {
      server.close();
    }
  });
});

describe('headers', () => {
  it('are kept by name, and credentials never', () => {
    const raw = [
      ['Host', 'a'],
      ['Authorization', 'Bearer x'],
      ['COOKIE', 'a=b'],
      ['Proxy-Authorization', 'Basic x'],
      ['Content-Type', 'text/plain'],
      ['Content-Length', '3'],
      ['Transfer-Encoding', 'chunked'],
      ['Expect', '100-continue'],
      ['Connection', 'upgrade'],
      ['Upgrade', 'websocket'],
      ['X-Tenant', 't1'],
      ['X-Forwarded-For', '1.2.3.4'],
      ['X-Forwarded-For', '5.6.7.8'],
    ].flat();
    const kept = [
      ['host', 'a'],
      ['content-type', 'text/plain'],
      ['x-forwarded-for', '1.2.3.4'],
      ['x-forwarded-for', '5.6.7.8'],
    ];
    expect(allowListed(raw)).toEqual(kept);
    const more = new Set(['x-tenant', 'authorization', 'transfer-encoding']);
    expect(allowListed(raw, more)).toEqual(kept.toSpliced(2, 0, ['x-tenant', 't1']));
  });
});
