import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { listen } from '../listen.ts';
import { openStage, type Stage } from './stage.ts';

const slowPath = '/demo/slow';
const most = 10_000;

/** Keeps the shop open on `port` until the signal; gives the exit code. */
export async function keepOpen(port: number, signal: AbortSignal): Promise<number> {
  const stage = await openStage();
  try {
    const { shop } = stage;
    // Before the gate, so that a slow database can be healed.
    const listening = await listen((req, res) => {
      if (req.url === slowPath) void setSlow(stage, req, res);
      else shop.app(req, res);
    }, port);
    try {
      process.stdout.write(greeting(listening.address));
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await listening.close();
    }
    return 0;
  } finally {
    await stage.close();
  }
}

async function setSlow({ commits }: Stage, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const asked: unknown = req.method === 'POST' ? await json(req).catch(() => undefined) : undefined;
  const ms = typeof asked === 'object' && asked !== null && 'ms' in asked ? asked.ms : undefined;
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= most)) {
    answer(res, 400, {
      error: `POST {"ms": 300}: how much longer each commit takes, up to ${most}; 0 ends it`,
    });
    return;
  }
  try {
    await commits.set(ms, 4);
    answer(res, 200, { everyCommitTakesLongerByMs: ms });
  } catch (error) {
    answer(res, 500, { error: String(error) });
  }
}

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function greeting(address: string): string {
  const call = `curl -i ${address}`;
  const json = "-H 'Content-Type: application/json'";
  const ada = "-H 'X-Customer: ada'";
  return `The shop is open at ${address}; Ctrl-C closes it.

Pay, order, ask for a report:
  ${call}/payments ${ada} ${json} -d '{"reference":"p1","amountCents":4200}'
  ${call}/orders ${ada} ${json} -H 'Prefer: respond-async' -H 'Idempotency-Key: "o1"' -d '{"reference":"o1","item":"oars","count":2}'
  ${call}/reports ${ada} ${json} -d '{"reference":"r1"}'

Make every commit 300 ms slower, send a few payments or orders so that it is noticed, order again; then heal it:
  ${call}${slowPath} ${json} -d '{"ms":300}'
  for i in 1 2 3 4 5 6; do curl -s ${address}/payments ${ada} ${json} -d "{\\"reference\\":\\"q$i\\",\\"amountCents\\":1}"; echo; done
  ${call}${slowPath} ${json} -d '{"ms":0}'

A deferral's outcome is at the Location that its 202 gives; the signed head of the ledger is at
  ${call}/slackwater/ledger/main/checkpoint
`;
}
