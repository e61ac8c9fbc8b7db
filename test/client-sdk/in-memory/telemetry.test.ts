import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { context, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { type ClientLogEntry, createClient } from '@slackwater/client-sdk';
import { type ProofForger, proofForger, replies } from '@slackwater/client-sdk/testing';
import type { DeferralResource } from '@slackwater/shared';
import { AxiosError } from 'axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endOf, rig } from './rig.ts';

const { answer, answerLost, deferred, outcome, retryLater, status } = replies;
const steps = ['attempt', 'wait', 'poll', 'verify'] as const;
let forger: ProofForger;
let resource: DeferralResource;

beforeAll(async () => {
  forger = await proofForger();
  resource = await forger.accept({ contentType: 'application/json', body: '{"n":1}' });
});

const script = (): Parameters<typeof rig>[0] => [
  retryLater(1_000),
  deferred(resource),
  answer(502, ''),
  status({ ...resource, status: 'Succeeded', phase: 'settled' }),
  outcome(201),
  answer(404),
];

describe('what a client does', () => {
  it('is told on TracingChannels, step by step and without capabilities', async () => {
    const told: string[] = [];
    const subscribed = steps.map((step) => {
      const { start, error } = tracingChannel(`slackwater:client:${step}`);
      const onStart = (message: unknown): void => void told.push(`${step} ${JSON.stringify(message)}`);
      const onError = (): void => void told.push(`${step} failed`);
      start.subscribe(onStart);
      error.subscribe(onError);
      return () => {
        start.unsubscribe(onStart);
        error.unsubscribe(onError);
      };
    });
    const one = rig(script(), { verifierKeys: [forger.verifierKey] });
    await endOf(one, one.client.post('/orders', { n: 1 }));
    await endOf(one, one.client.audit.verify(resource.id));
    for (const unsubscribe of subscribed) unsubscribe();
    const kinds = told.map((line) => line.split(' ')[0]);
    expect(kinds.slice(0, 4)).toEqual(['attempt', 'attempt', 'wait', 'attempt']);
    expect(new Set(kinds)).toEqual(new Set(steps));
    expect(told[0]).toBe('attempt {"method":"POST","url":"/orders","attempt":1}');
    expect(told[1]).toBe('attempt failed');
    expect(told.join()).toContain('capability=[redacted]');
    expect(told.join()).not.toContain('capability=c');
  });

  it('is told to a log, failures as warnings, and a log that throws harms nobody', async () => {
    const lines: ClientLogEntry[] = [];
    const onLog = (entry: ClientLogEntry): void => {
      lines.push(entry);
      throw new Error('the log is full');
    };
    const one = rig([answerLost(), ...(script() as [])], { onLog, serverKeepsKeys: true });
    expect(await endOf(one, one.client.post('/orders', { n: 1 }))).toMatchObject({ status: 201 });
    expect(lines[0]).toMatchObject({
      level: 'warn',
      step: 'attempt',
      message: 'attempt failed: socket hang up',
    });
    expect(lines.filter(({ step, level }) => step === 'attempt' && level === 'debug')).toHaveLength(1);
    expect(lines.map(({ step }) => step)).toContain('poll');
    expect(JSON.stringify(lines)).not.toContain('capability=c');
  });

  it('says where receipts could not be kept', async () => {
    const lines: string[] = [];
    const failing = async (): Promise<never> => {
      throw new Error('the disk is full');
    };
    const one = rig(script(), {
      verifierKeys: [forger.verifierKey],
      receipts: { get: failing, set: failing },
      onLog: ({ level, step, message }) => void lines.push(`${level} ${step} ${message}`),
    });
    await endOf(one, one.client.post('/orders', { n: 1 }));
    expect(lines).toContain('warn store a receipt could not be kept: the disk is full');
  });
});

describe('the context of a call', () => {
  const refusal = { partition: 'p', workType: 'w' };

  it('is its own on every attempt, also behind waits that end together and in one line', async () => {
    const storage = new AsyncLocalStorage<number>();
    const seen = new Map<string, unknown[]>();
    let open = false;
    const client = createClient({
      baseURL: 'https://shop.example',
      axios: {
        adapter: async (config) => {
          const key = String(config.data);
          seen.set(key, [...(seen.get(key) ?? []), storage.getStore()]);
          const headers = { 'slackwater-retry-after-ms': '20' };
          const data = JSON.stringify({
            type: 'urn:slackwater:problem:retry-later',
            title: 't',
            status: 503,
            detail: 'd',
            code: 'retry-later',
            recorded: false,
            ...refusal,
          });
          if (open) return { status: 200, statusText: '', headers: {}, data: '{}', config };
          const response = { status: 503, statusText: '', headers, data, config };
          throw new AxiosError('no', 'ERR_BAD_RESPONSE', config, undefined, response);
        },
      },
    });
    const calls = [1, 2, 3, 4].map((n) => storage.run(n, () => client.post('/orders', String(n))));
    await new Promise((resolve) => setTimeout(resolve, 1));
    open = true;
    await Promise.all(calls);
    for (const n of [1, 2, 3, 4]) expect(new Set(seen.get(String(n)))).toEqual(new Set([n]));
  });

  describe('of OpenTelemetry', () => {
    const provider = new NodeTracerProvider();
    beforeAll(() => provider.register());
    afterAll(async () => {
      await provider.shutdown();
      trace.disable();
      context.disable();
    });

    it('is kept across waits, so that every attempt is a child of the caller\u2019s span', async () => {
      const spans: unknown[] = [];
      const one = rig((request) => {
        spans.push(trace.getActiveSpan()?.spanContext().spanId);
        return request.nth < 3 ? retryLater(500, refusal) : answer(200);
      });
      await trace.getTracer('test').startActiveSpan('checkout', async (span) => {
        await one.clock.settle(one.client.post('/orders', {}));
        expect(spans).toEqual(Array(4).fill(span.spanContext().spanId));
        span.end();
      });
    });
  });
});
