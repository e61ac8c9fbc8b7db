import express from 'express';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';

/** An answer of the gate, to be given without the gate. */
export interface GivenAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** A server whose route gives that answer to every order, and stores nothing. */
export interface EchoServer {
  url(): Promise<string>;
}

async function make({ headers, body }: GivenAnswer): Promise<EchoServer> {
  const app = express();
  app.use(express.json());
  app.post('/orders', (_req, res) => {
    res.status(202).set(headers).json(body);
  });
  const url = await listen(app);
  return { url: async () => `${url}/orders` };
}

await answerCalls<EchoServer>(make);
