import { type Gate, slackwater } from '@slackwater/middleware';
import express from 'express';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { scratchFolder } from '../scratch.ts';
import { partition, usualOptions } from '../work-types.ts';

/** What stands in front of the route. */
export type InFront = 'nothing' | 'bare gate' | 'usual gate';

/** Applications with two routes each: `POST /orders`, whose body is parsed, and `POST /orders/:id/notes`, which does next to nothing. */
export interface RouteServer {
  /** Where each application is, in the order of what stands in front of them. */
  urls(): Promise<readonly string[]>;
  /** User and system time of this process so far, µs. */
  cpuUs(): Promise<number>;
}

async function serve(fronts: readonly InFront[]): Promise<RouteServer> {
  const urls = await Promise.all(fronts.map(serveOne));
  return {
    urls: async () => urls,
    async cpuUs() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
}

async function serveOne(inFront: InFront): Promise<string> {
  const app = express();
  const gate = gateOf(inFront);
  if (gate !== undefined) {
    app.use(gate);
    await commitQuickly(gate);
  }
  app.post('/orders', express.json(), (req, res) => {
    res.status(201).json({ id: 1, reference: req.body.reference });
  });
  app.post('/orders/:id/notes', (_req, res) => {
    res.status(201).json({ id: 1 });
  });
  return listen(app);
}

function gateOf(inFront: InFront): Gate | undefined {
  switch (inFront) {
    case 'nothing':
      return undefined;
    case 'bare gate':
      return slackwater();
    case 'usual gate':
      return slackwater(usualOptions(scratchFolder()));
  }
}

/** A window full of commits, and more of them now and then, as a healthy application has them. */
async function commitQuickly({ latency }: Gate): Promise<void> {
  const commit = (): Promise<void> => latency.commit(partition, async () => {});
  for (let n = 0; n < 64; n++) await commit();
  setInterval(() => void commit(), 20);
}

await answerCalls<RouteServer>((fronts: readonly InFront[]) => serve(fronts));
