import { type Gate, slackwater } from '@slackwater/middleware';
import express from 'express';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { scratchFolder } from '../scratch.ts';
import { partition, usualOptions } from '../work-types.ts';

/** What stands in front of the route. */
export type InFront = 'nothing' | 'bare gate' | 'usual gate';

/** One server with two routes: `POST /orders`, whose body is parsed, and `POST /orders/:id/notes`, which does next to nothing. */
export interface RouteServer {
  url(): Promise<string>;
  /** User and system time of this process so far, µs. */
  cpuUs(): Promise<number>;
}

async function serve(inFront: InFront): Promise<RouteServer> {
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
  const url = await listen(app);
  return {
    url: async () => url,
    async cpuUs() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
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

await answerCalls<RouteServer>((argument: { readonly inFront: InFront }) => serve(argument.inFront));
