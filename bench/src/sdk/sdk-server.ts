/** A healthy application, in a process of its own. */
import { once } from 'node:events';
import express from 'express';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';

/** What the server answers. */
export interface SdkServer extends Record<string, (...args: never[]) => Promise<unknown>> {
  /** Its address. */
  url(): Promise<string>;
}

await answerCalls<SdkServer>(async () => {
  const app = express();
  app.use(express.json());
  // As long as a commit takes on a disk of its own: a route that does nothing serves nobody.
  app.post('/orders', async (_req, res) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    res.status(201).json({ order: 1 });
  });
  app.post('/nothing', (req, res) => void res.status(201).json(req.body));
  app.post('/later', (req, res) => {
    req.resume();
    void once(req, 'end');
    res.status(503).set({ 'Slackwater-Retry-After-Ms': '3600000', 'Retry-After': '3600' }).end();
  });
  const address = await listen(app);
  return { url: async () => address };
});
