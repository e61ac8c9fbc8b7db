import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { balance } from '../../../examples/cluster/src/load-balancer.ts';
import { type Listening, listen } from '../../../examples/shop/src/listen.ts';

const open: Listening[] = [];

afterEach(async () => {
  for (const { close } of open.splice(0).reverse()) await close();
});

async function serve(app: RequestListener): Promise<Listening> {
  const listening = await listen(app, 0);
  open.push(listening);
  return listening;
}

const named =
  (name: string): RequestListener =>
  (req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    req.on('end', () => res.writeHead(201, { 'X-Host': name }).end(`${req.method} ${req.url} ${body}`));
  };

describe('the load balancer of the example', () => {
  it('sends each request to the next host, so that each of three has as many, with all that is in it (D-62)', async () => {
    const hosts = await Promise.all([serve(named('a')), serve(named('b')), serve(named('c'))]);
    const { address } = await serve(balance(() => hosts.map((host) => host.address)));
    const seen: (string | null)[] = [];
    for (let i = 0; i < 6; i++) {
      const answer = await fetch(`${address}/orders?i=${i}`, { method: 'POST', body: 'oars' });
      expect(answer.status).toBe(201);
      expect(await answer.text()).toBe(`POST /orders?i=${i} oars`);
      seen.push(answer.headers.get('X-Host'));
    }
    expect(seen.toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('goes on to the next where a host takes no connections', async () => {
    const gone = await listen(named('gone'), 0);
    await gone.close();
    const there = await serve(named('there'));
    const { address } = await serve(balance(() => [gone.address, there.address]));
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(address, { method: 'POST', body: 'rope' });
      expect(await answer.text()).toBe('POST / rope');
    }
  });

  it('does not send a request again that a host has taken and not answered', async () => {
    let taken = 0;
    const dying = await serve((req) => {
      taken += 1;
      req.socket.destroy();
    });
    const { address } = await serve(balance(() => [dying.address, dying.address]));
    expect((await fetch(address, { method: 'POST', body: 'buoy' })).status).toBe(502);
    expect(taken).toBe(1);
  });

  it('says so where no host is left', async () => {
    const { address } = await serve(balance(() => []));
    expect((await fetch(address)).status).toBe(503);
  });
});
