import { AsyncLocalStorage } from 'node:async_hooks';
import { type Gate, slackwater } from '@slackwater/middleware';
import express, { type RequestHandler } from 'express';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { scratchFolder } from '../scratch.ts';
import { partition, usualOptions } from '../work-types.ts';

/** What stands in front of the routes; `nothing again` shows by how much the method errs. */
export type InFront = 'nothing' | 'nothing again' | 'context alone' | 'usual gate' | 'bare gate';

/** An application with two routes: `POST /orders`, whose body is parsed, and `POST /orders/:id/notes`, which does next to nothing. */
export interface RouteServer {
  url(): Promise<string>;
  /** From now on that stands in front of the routes. */
  putInFront(what: InFront): Promise<void>;
  /** User and system time of this process so far, µs. */
  cpuUs(): Promise<number>;
}

/** Serves with those that may come to stand in front, and with nothing there for now. */
async function serve(mayCome: readonly InFront[]): Promise<RouteServer> {
  const app = express();
  const { stack } = app.router;
  const layers = new Map<InFront, typeof stack>();
  for (const front of mayCome) {
    const middleware = await middlewareOf(front);
    if (middleware !== undefined) app.use(middleware);
    layers.set(front, stack.splice(0));
  }
  app.post('/orders', express.json(), (req, res) => {
    res.status(201).json({ id: 1, reference: req.body.reference });
  });
  app.post('/orders/:id/notes', (_req, res) => {
    res.status(201).json({ id: 1 });
  });
  const routes = [...stack];
  const url = await listen(app);
  return {
    url: async () => url,
    async putInFront(what) {
      stack.splice(0, stack.length, ...(layers.get(what) ?? []), ...routes);
    },
    async cpuUs() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
}

async function middlewareOf(front: InFront): Promise<RequestHandler | Gate | undefined> {
  switch (front) {
    case 'nothing':
    case 'nothing again':
      return undefined;
    case 'context alone': {
      const storage = new AsyncLocalStorage<object>();
      return (req, _res, next) => storage.run({ req }, next);
    }
    case 'bare gate':
      return commitQuickly(slackwater());
    case 'usual gate':
      return commitQuickly(slackwater(usualOptions(scratchFolder())));
  }
}

/** A window full of commits, and more of them now and then, as a healthy application has them. */
async function commitQuickly(gate: Gate): Promise<Gate> {
  const commit = (): Promise<void> => gate.latency.commit(partition, async () => {});
  for (let n = 0; n < 64; n++) await commit();
  setInterval(() => void commit(), 20);
  return gate;
}

await answerCalls<RouteServer>((mayCome: readonly InFront[]) => serve(mayCome));
