import { type Gate, slackwater } from '@slackwater/middleware';
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { Request, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import CircuitBreaker from 'opossum';
import protect from 'overload-protection';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { answerCalls } from '../child.ts';
import { endOf, plainRequest, plainResponse } from '../plain-request.ts';
import { scratchFolder } from '../scratch.ts';
import { inTurn } from '../turns.ts';
import { partition, usualOptions } from '../work-types.ts';
import { type DecisionAlone, decisionAlone } from './decision-alone.ts';

/**
 * `decide` and `ask`: the gate's decision by itself; `decideUnderWay` while commits are unfinished. `usual` and
 * `bare`: all that a gate does, with options and without.
 */
export type Contender =
  | 'decide'
  | 'ask'
  | 'decideUnderWay'
  | 'usual'
  | 'bare'
  | 'cockatiel'
  | 'opossum'
  | 'rateLimit'
  | 'flexible'
  | 'overload';

/** Decides in one process, so that all contenders have the same luck. */
export interface DecisionProcess {
  /** ns for each decision, by round; of all, or of those that are named. */
  compare(rounds: number, only?: readonly Contender[]): Promise<Record<Contender, number[]>>;
  /** The same of gates that know so many partitions, each of which is asked for in turn. */
  partitions(rounds: number): Promise<Record<ManyContender, number[]>>;
  /** Bytes allocated for each decision, by round. */
  allocated(rounds: number): Promise<number[]>;
}

/** `ask`: the decision by itself; `lookUp`: one in a map of as many names; the others: all that a gate does. */
export type ManyContender =
  | 'askOne'
  | 'askHundred'
  | 'askTenThousand'
  | 'lookUpOne'
  | 'lookUpTenThousand'
  | 'one'
  | 'hundred'
  | 'tenThousand';

const batch = 2_000;
/** Has no divisor in common with the counts of partitions, so that neighbours are not asked for one after the other. */
const apart = 7_919;
/** Rounds that are not counted: until then the compilers are at work. */
const warmUp = 30;

async function make(): Promise<DecisionProcess> {
  return {
    async compare(rounds, only) {
      const usual = slackwater(usualOptions(scratchFolder()));
      await commitTo(usual, [partition]);
      const bare = slackwater();
      const alone = await decisionAlone(usualOptions(scratchFolder()), [partition]);
      // However busy the machine is, what is unfinished is not to count as a stall.
      const underWay = await decisionAlone(usualOptions(scratchFolder(), 60_000), [partition]);
      // Without headers, and with one key for all: the least that it can be asked to do.
      const limiter = rateLimit({
        ...{ windowMs: 3_600_000, limit: 1e12, validate: false },
        ...{ standardHeaders: false, legacyHeaders: false, keyGenerator: () => 'all' },
      });
      const cockatiel = circuitBreaker(handleAll, {
        halfOpenAfter: 10_000,
        breaker: new ConsecutiveBreaker(5),
      });
      const opossum = new CircuitBreaker(async () => 1, { timeout: false });
      const flexible = new RateLimiterMemory({ points: 1e9, duration: 3_600 });
      const overload = protect('express', {
        ...{ production: true, clientRetrySecs: 1, maxEventLoopDelay: 60_000, sampleInterval: 1_000 },
      });
      const takes: Record<Contender, () => Promise<number> | number> = {
        decide: decideAlone(alone),
        ask: askAlone(alone, 1),
        decideUnderWay: whileUnfinished(underWay),
        usual: decisionsOf(usual),
        bare: decisionsOf(bare),
        cockatiel: () => nsEach(() => cockatiel.execute(() => 1)),
        opossum: () => nsEach(() => opossum.fire()),
        rateLimit: limited(limiter),
        flexible: () => nsEach(() => flexible.consume('all')),
        overload: passedAtOnce(overload),
      };
      const wanted = Object.entries(takes).filter(([name]) => only?.includes(name as Contender) ?? true);
      return counted(rounds, Object.fromEntries(wanted) as typeof takes);
    },
    async partitions(rounds) {
      return counted(rounds, {
        askOne: await askOf(1),
        askHundred: await askOf(100),
        askTenThousand: await askOf(10_000),
        lookUpOne: lookUpOf(1),
        lookUpTenThousand: lookUpOf(10_000),
        one: await gateOf(1),
        hundred: await gateOf(100),
        tenThousand: await gateOf(10_000),
      });
    },
    async allocated(rounds) {
      const alone = await decisionAlone(usualOptions(scratchFolder()), [partition]);
      const take = bytesOf(alone);
      for (let round = 0; round < warmUp; round++) take();
      return Array.from({ length: rounds }, take);
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

function whileUnfinished(alone: DecisionAlone): () => number {
  const take = decideAlone(alone);
  return () => {
    const end = alone.begin(3);
    const ns = take();
    end();
    return ns;
  };
}

function askAlone({ ask }: DecisionAlone, count: number): () => number {
  let asked = 0;
  return () => {
    let admitted = 0;
    const startedAt = performance.now();
    for (let n = 0; n < batch; n++) if (ask((asked++ * apart) % count)) admitted++;
    return nsOfEach(performance.now() - startedAt, admitted);
  };
}

/** The requests are made before. What the heap has grown by is what the decisions allocated, for nothing is collected so soon. */
function bytesOf({ decide }: DecisionAlone): () => number {
  const requests = Array.from({ length: batch }, () => plainRequest());
  const grownBy = (work: () => void): number => {
    const before = process.memoryUsage().heapUsed;
    work();
    return process.memoryUsage().heapUsed - before;
  };
  const decideAll = (): void => {
    let admitted = 0;
    for (let n = 0; n < batch; n++) if (decide(requests[n] as Request)) admitted++;
    nsOfEach(0, admitted);
  };
  // To look allocates, too.
  return () => (grownBy(decideAll) - grownBy(() => {})) / batch;
}

/** A middleware that is done when it returns. */
function passedAtOnce(middleware: (req: Request, res: Response, next: () => void) => unknown): () => number {
  let passed = 0;
  const next = (): void => {
    passed += 1;
  };
  return () => {
    const requests = Array.from({ length: batch }, () => plainRequest());
    const res = plainResponse();
    passed = 0;
    const startedAt = performance.now();
    for (const req of requests) middleware(req, res, next);
    return nsOfEach(performance.now() - startedAt, passed);
  };
}

function limited(limiter: (req: Request, res: Response, next: () => void) => unknown): () => Promise<number> {
  let passed = 0;
  const next = (): void => {
    passed += 1;
  };
  return async () => {
    const requests = Array.from({ length: batch }, () => plainRequest());
    const res = plainResponse();
    passed = 0;
    const startedAt = performance.now();
    for (const req of requests) await limiter(req, res, next);
    return nsOfEach(performance.now() - startedAt, passed);
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

async function askOf(count: number): Promise<() => number> {
  return askAlone(await decisionAlone({ latency: { maxSampleAgeMs: 600_000 } }, namesOf(count)), count);
}

/** What nobody can do without who keeps something for each name: to find it in a map. */
function lookUpOf(count: number): () => number {
  const names = namesOf(count);
  const known = new Map(names.map((name) => [name, { isQuick: true }]));
  let asked = 0;
  return () => {
    let found = 0;
    const startedAt = performance.now();
    for (let n = 0; n < batch; n++) if (known.get(names[(asked++ * apart) % count] ?? '')?.isQuick) found++;
    return nsOfEach(performance.now() - startedAt, found);
  };
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `shard ${n}`);
}

async function gateOf(count: number): Promise<() => number> {
  const names = namesOf(count);
  const gate = slackwater({
    latency: { maxSampleAgeMs: 600_000 },
    partition: (req) => names[Number(req.originalUrl.slice('/orders/'.length))],
  });
  await commitTo(gate, names);
  return decisionsOf(gate, (n) => `/orders/${(n * apart) % count}`);
}

async function commitTo({ latency }: Gate, names: readonly string[]): Promise<void> {
  for (const name of names) for (let n = 0; n < 8; n++) await latency.commit(name, async () => {});
}

await answerCalls<DecisionProcess>(make);
