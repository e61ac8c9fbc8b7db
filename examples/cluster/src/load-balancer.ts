import { type IncomingMessage, type RequestListener, request, type ServerResponse } from 'node:http';

// A load balancer as small as one can be: each request goes to the next host in the row. A host that takes no connections
// is left out for a moment, and the request, of which nothing was sent yet, goes on to the next. Once a host has the request
// only its caller can know whether to send it again: where the answer is lost, that is 502. A real one also asks
// GET /slackwater/health now and then, and keeps connections open.

/** How long a host that refused a connection is left out, ms. */
const leftOutMs = 500;

/** Spreads requests over hosts, `http://127.0.0.1:3001`, which may come and go. */
export function balance(hosts: () => readonly string[]): RequestListener {
  const outUntil = new Map<string, number>();
  let turn = 0;

  function inTurn(): string[] {
    const now = Date.now();
    const all = hosts().filter((host) => (outUntil.get(host) ?? 0) <= now);
    turn += 1;
    return all.map((_, at) => all[(turn + at) % all.length] ?? '');
  }

  return (req, res) => {
    const candidates = inTurn();
    const next = (): void => {
      const host = candidates.shift();
      if (host === undefined) answer(res, 503, 'no host takes connections');
      else
        forward(req, res, host, () => {
          outUntil.set(host, Date.now() + leftOutMs);
          next();
        });
    };
    next();
  };
}

function forward(req: IncomingMessage, res: ServerResponse, host: string, onRefused: () => void): void {
  const { method = 'GET', url = '/', headers } = req;
  // A connection of its own for each: none has gone stale when it is wanted.
  const outgoing = request(host, { method, path: url, headers, agent: false });
  let isConnected = false;
  outgoing.once('socket', (socket) =>
    socket.once('connect', () => {
      isConnected = true;
      req.pipe(outgoing);
    }),
  );
  outgoing.once('response', (incoming) => {
    res.writeHead(incoming.statusCode ?? 502, incoming.headers);
    incoming.pipe(res);
    incoming.once('error', () => res.destroy());
  });
  outgoing.once('error', () => {
    if (res.destroyed) return;
    if (!isConnected) onRefused();
    else if (res.headersSent) res.destroy();
    else answer(res, 502, 'the host went away with the request');
  });
  res.once('close', () => outgoing.destroy());
}

function answer(res: ServerResponse, status: number, error: string): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify({ error })}\n`);
}
