import { type Gate, slackwater } from '@slackwater/middleware';
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { Request, Response } from 'express';
import CircuitBreaker from 'opossum';
import { answerCalls } from '../child.ts';
import { endOf, plainRequest, plainResponse } from '../plain-request.ts';
import { scratchFolder } from '../scratch.ts';
import { inTurn } from '../turns.ts';
import { partition, usualOptions } from '../work-types.ts';
import { type DecisionAlone, decisionAlone } from './decision-alone.ts';

/** `decide` and `ask`: the gate's decision by itself. `usual` and `bare`: all that a gate does, with options and without. */
export type Contender = 'decide' | 'ask' | 'usual' | 'bare' | 'cockatiel' | 'opossum';

/** Decides in one process, so that all contenders have the same luck. */
export interface DecisionProcess {
  /** ns for each decision, by round. */
  compare(rounds: number): Promise<Record<Contender, number[]>>;
  /** The same of gates that know so many partitions, each of which is asked for in turn. */
  partitions(rounds: number): Promise<Record<'one' | 'hundred' | 'tenThousand', number[]>>;
}

const batch = 2_000;
/** Rounds that are not counted: until then the compilers are at work. */
const warmUp = 30;

async function make(): Promise<DecisionProcess> {
  return {
    async compare(rounds) {
      const usual = slackwater(usualOptions(scratchFolder()));
      await commitTo(usual, [partition]);
      const bare = slackwater();
      const alone = await decisionAlone(usualOptions(scratchFolder()), partition);
      const cockatiel = circuitBreaker(handleAll, {
        halfOpenAfter: 10_000,
        breaker: new ConsecutiveBreaker(5),
      });
      const opossum = new CircuitBreaker(async () => 1, { timeout: false });
      return counted(rounds, {
        decide: decideAlone(alone),
        ask: askAlone(alone),
        usual: decisionsOf(usual),
        bare: decisionsOf(bare),
        cockatiel: () => nsEach(() => cockatiel.execute(() => 1)),
        opossum: () => nsEach(() => opossum.fire()),
      });
    },
    async partitions(rounds) {
      return counted(rounds, {
        one: await gateOf(1),
        hundred: await gateOf(100),
        tenThousand: await gateOf(10_000),
      });
    },
  };
}

async function counted<Name extends string>(
  rounds: number,
  takes: Readonly<Record<Name, () => Promise<number> | number>>,
): Promise<Record<Name, number[]>> {
  await inTurn(takes, warmUp);
  return inTurn(takes, rounds);
}

/** From the call of the gate to its call of `next`, with everything that it prepares for the drivers in between. */
function decisionsOf(gate: Gate, urlOf: (n: number) => string = () => '/orders'): () => number {
  let passed = 0;
  const next = (): void => {
    passed += 1;
  };
  let asked = 0;
  return () => {
    const exchanges: { readonly req: Request; readonly res: Response }[] = [];
    for (let n = 0; n < batch; n++)
      exchanges.push({ req: plainRequest(urlOf(asked++)), res: plainResponse() });
    passed = 0;
    const startedAt = performance.now();
    for (const { req, res } of exchanges) gate(req, res, next);
    const tookMs = performance.now() - startedAt;
    for (const { res } of exchanges) endOf(res);
    return nsOfEach(tookMs, passed);
  };
}

function decideAlone({ decide }: DecisionAlone): () => number {
  return () => {
    const requests = Array.from({ length: batch }, () => plainRequest());
    let admitted = 0;
    const startedAt = performance.now();
    for (const req of requests) if (decide(req)) admitted++;
    return nsOfEach(performance.now() - startedAt, admitted);
  };
}

function askAlone({ ask }: DecisionAlone): () => number {
  return () => {
    let admitted = 0;
    const startedAt = performance.now();
    for (let n = 0; n < batch; n++) if (ask()) admitted++;
    return nsOfEach(performance.now() - startedAt, admitted);
  };
}

function nsOfEach(tookMs: number, admitted: number): number {
  if (admitted !== batch) throw new Error(`${admitted} of ${batch} requests were let through at once.`);
  return (tookMs * 1e6) / batch;
}

/** Promises are their interface: they are awaited, one after the other. */
async function nsEach(pass: () => PromiseLike<unknown>): Promise<number> {
  const startedAt = performance.now();
  for (let n = 0; n < batch; n++) await pass();
  return ((performance.now() - startedAt) * 1e6) / batch;
}

async function gateOf(count: number): Promise<() => number> {
  const names = Array.from({ length: count }, (_, n) => `shard ${n}`);
  const gate = slackwater({
    latency: { maxSampleAgeMs: 600_000 },
    partition: (req) => names[Number(req.originalUrl.slice('/orders/'.length))],
  });
  await commitTo(gate, names);
  // A step that has no divisor in common with the count, so that neighbours are not asked for one after the other.
  return decisionsOf(gate, (n) => `/orders/${(n * 7_919) % count}`);
}

async function commitTo({ latency }: Gate, names: readonly string[]): Promise<void> {
  for (const name of names) for (let n = 0; n < 8; n++) await latency.commit(name, async () => {});
}

await answerCalls<DecisionProcess>(make);
