import type { Benchmark, Run } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { answersPerSecond } from '../load.ts';
import { orderHeaders, orderText } from '../order.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { EchoServer, GivenAnswer } from './echo-server.ts';
import { withStalledOrders } from './stalled-orders.ts';

const echoScript = new URL('echo-server.ts', import.meta.url);
const connections = 128;

/** Durable acceptances through HTTP, while the partition stalls. */
export const acceptance: Benchmark = {
  name: 'acceptance',
  title:
    'deferrals accepted durably per second through HTTP / the same answer from the route, nothing stored',
  async measure(run) {
    run.progress('starting PostgreSQL, and stalling it');
    return withStalledOrders(1, async ([gated]) => {
      if (gated === undefined) throw new Error('There is no server.');
      const url = await gated.ask('url');
      const echo = startChild<EchoServer>(echoScript, await answerOf(url));
      try {
        const taken = await loadBoth(url, await echo.ask('url'), run);
        const note = `${Math.round(medianOf(taken.gate))} / ${Math.round(medianOf(taken.route))}`;
        const value = spreadOf(ratios(taken.gate, taken.route));
        return [
          {
            what: `202 with receipt, ${connections} callers`,
            unit: 'ratio',
            value,
            target: { atLeast: 0.5 },
            note,
          },
        ];
      } finally {
        await echo.end();
      }
    });
  },
};

/** One whole answer of the gate; what belongs to the connection is left out. */
async function answerOf(url: string): Promise<GivenAnswer> {
  const response = await deferred(url);
  const headers = Object.fromEntries(response.headers);
  for (const name of ['connection', 'keep-alive', 'date', 'content-length', 'content-type'])
    delete headers[name];
  return { headers, body: (await response.json()) as object };
}

/** A request that is let through to see how the database does has no answer while it stalls: another one has. */
async function deferred(url: string): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      const signal = AbortSignal.timeout(500);
      const response = await fetch(url, { method: 'POST', headers: orderHeaders, body: orderText, signal });
      if (response.status === 202) return response;
      throw new Error(`${url} answered ${response.status}; 202 was expected.`);
    } catch (error) {
      if (attempt === 10) throw error;
    }
  }
}

async function loadBoth(
  gateUrl: string,
  routeUrl: string,
  { quick, progress }: Run,
): Promise<Record<'gate' | 'route', number[]>> {
  const take = (url: string, forMs: number) =>
    answersPerSecond({ url, connections, forMs, status: 202, headers: orderHeaders, body: orderText });
  progress('warming up');
  for (const url of [gateUrl, routeUrl]) await take(url, quick ? 500 : 3_000);
  const forMs = quick ? 400 : 1_000;
  return inTurn(
    { gate: () => take(gateUrl, forMs), route: () => take(routeUrl, forMs) },
    quick ? 6 : 14,
    (round) => progress(`round ${round + 1}`),
  );
}
