/** A healthy application, in a process of its own. */
import { createProblem } from '@slackwater/shared';
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
  let refused = 0;
  const problem = createProblem('retry-later', 'Commits on its partition are slow.');
  const members = { recorded: false, retryable: true, retryAfterMs: 3_600_000, reasons: ['over-threshold'] };
  app.post('/later', (_req, res) => {
    const headers = { 'Slackwater-Retry-After-Ms': '3600000', 'Retry-After': '3600' };
    res
      .status(503)
      .set(headers)
      .type('application/problem+json')
      .send({ ...problem, ...members });
    refused += 1;
  });
  app.get('/refused', (_req, res) => void res.json(refused));
  const address = await listen(app);
  return { url: async () => address };
});
