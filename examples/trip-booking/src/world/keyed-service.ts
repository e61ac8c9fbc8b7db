import { setTimeout as sleep } from 'node:timers/promises';
import { type Listening, listen } from '@slackwater/example-shop/listen';
import express from 'express';
import { moods, readMood } from './mood.ts';

/** What a service takes and gives back. */
export interface Trade<Taken> {
  /** Takes it; a text says why not. */
  take(body: unknown): Taken | string;
  giveBack(taken: Taken): void;
}

/** A service that listens: an airline, a hotel, a bank. */
export interface KeyedService<Taken> extends Pick<Listening, 'address' | 'close'> {
  /** What is taken now, by key. */
  readonly taken: ReadonlyMap<string, Taken>;
  /** How often each key was taken and given back with effect. */
  readonly effects: ReadonlyMap<string, { readonly taken: number; readonly givenBack: number }>;
  /** Resolves when it is asked for something the next time. */
  asked(of: 'PUT' | 'DELETE'): Promise<void>;
}

/**
 * `PUT /taken/:key` takes something under a key that the caller chose, once, however often it is asked; `DELETE /taken/:key` gives it back, once, and from
 * then on nothing is taken under that key: what comes late comes to nothing. `PUT /mood` has it fail.
 */
export async function startKeyedService<Taken extends object>(
  { take, giveBack }: Trade<Taken>,
  latencyMs: () => number,
): Promise<KeyedService<Taken>> {
  const taken = new Map<string, Taken>();
  const effects = new Map<string, { taken: number; givenBack: number }>();
  const over = new Set<string>();
  const mood = moods();
  let waiting: { readonly of: string; readonly tell: () => void }[] = [];
  const count = (key: string, what: 'taken' | 'givenBack'): void => {
    const known = effects.get(key) ?? { taken: 0, givenBack: 0 };
    effects.set(key, { ...known, [what]: known[what] + 1 });
  };

  const app = express();
  app.use(express.json());
  app.use(async (req, _res, next) => {
    for (const { of, tell } of waiting) if (of === req.method) tell();
    waiting = waiting.filter(({ of }) => of !== req.method);
    await sleep(latencyMs());
    next();
  });
  app.put('/mood', (req, res) => {
    const wanted = readMood(req.body);
    if (wanted !== undefined) mood.set(wanted);
    res.status(wanted === undefined ? 400 : 204).end();
  });
  app.put('/taken/:key', (req, res) => {
    const { key } = req.params;
    const is = mood.now('take');
    if (is === 'refuses') return void res.status(409).json({ error: 'not today' });
    if (over.has(key)) return void res.status(410).json({ error: 'it was given back' });
    const known = taken.get(key) ?? take(req.body);
    if (typeof known === 'string') return void res.status(409).json({ error: known });
    if (!taken.has(key)) {
      taken.set(key, known);
      count(key, 'taken');
    }
    if (is === 'forgets') req.socket.destroy();
    else if (is !== 'hangs') res.status(201).json(known);
  });
  app.delete('/taken/:key', (req, res) => {
    const { key } = req.params;
    const is = mood.now('give-back');
    if (is === 'refuses') return void res.status(409).json({ error: 'not today' });
    over.add(key);
    const known = taken.get(key);
    if (known !== undefined) {
      taken.delete(key);
      giveBack(known);
      count(key, 'givenBack');
    }
    if (is === 'forgets') req.socket.destroy();
    else if (is !== 'hangs') res.status(204).end();
  });
  const { address, close } = await listen(app, 0);
  return {
    address,
    close,
    taken,
    effects,
    asked: (of) => new Promise((tell) => waiting.push({ of, tell })),
  };
}
