import { once } from 'node:events';
import { listen } from '../listen.ts';
import { setSlow, slowPath } from './slow-path.ts';
import { openStage } from './stage.ts';

/** Keeps the shop open on `port` until the signal; gives the exit code. */
export async function keepOpen(port: number, signal: AbortSignal): Promise<number> {
  const stage = await openStage();
  try {
    const { shop, commits } = stage;
    // Before the gate, so that a slow database can be healed.
    const listening = await listen((req, res) => {
      if (req.url === slowPath) void setSlow(commits, req, res);
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

function greeting(address: string): string {
  const as = "-H 'X-Customer: ada' -H 'Content-Type: application/json'";
  const order = (reference: string): string =>
    `curl -i ${address}/orders ${as} -H 'Prefer: respond-async' -H 'Idempotency-Key: "${reference}"' -d '{"reference":"${reference}","item":"oars","count":2}'`;
  const pay = (reference: string): string =>
    `curl -i ${address}/payments ${as} -d '{"reference":"${reference}","amountCents":4200}'`;
  return `The shop is open at ${address}; Ctrl-C closes it.

Pay, order, ask for a report:
  ${pay('p1')}
  ${order('o1')}
  curl -i ${address}/reports ${as} -d '{"reference":"r1"}'

Make every commit 300 ms slower, and pay until that is noticed:
  curl ${address}${slowPath} -d '{"ms":300}'
  for i in 1 2 3 4 5 6; do ${pay('p2')}; done

Of two orders at once one tries whether it is still slow. The other is deferred: 202, with its receipt.
  ${order('o2')} &
  ${order('o3')}

Heal it, and see at the Location of the 202 what became of the order. The signed head of the ledger is public.
  curl ${address}${slowPath} -d '{"ms":0}'
  curl ${address}/slackwater/ledger/main/checkpoint
`;
}
