import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createHttpPoller, type OperationResponse } from '@azure/core-lro';
import { createClient, type SlackwaterClient } from '@slackwater/client-sdk';
import { fileStore } from '@slackwater/client-sdk/file-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeferringApp, deferringApp } from './support/deferring-app.ts';
import { rejection } from './support/fast-client.ts';

let app: DeferringApp;

beforeAll(async () => {
  app = await deferringApp();
});
afterAll(() => app.close());

/** Who wants to know of changes is told by a stream, at once and not at the pace of polls. */
const following = (): SlackwaterClient => createClient({ baseURL: app.origin, onProgress: () => {} });
const held = { method: 'post', url: '/orders', data: { sku: 'held' } } as const;
const doneOf = (sku: string): number => app.done.filter((one) => one === sku).length;

describe('a poller at a real gate', () => {
  it('tells of each change as it comes, to listeners and to whoever iterates', async () => {
    app.hold();
    const verifierKeys = [await app.gate.ledger.verifierKey()];
    const client = createClient({ baseURL: app.origin, verifierKeys });
    const poller = await client.begin({ ...held, params: { a: 'b c', d: ['1', '2'] } });
    const told: string[] = [];
    poller.onProgress(({ status }) => told.push(status));
    const seen: string[] = [];
    for await (const { status, phase } of poller) {
      seen.push(status);
      if (phase === 'performing') app.release();
    }
    expect(seen[0]).toBe('NotStarted');
    expect([...new Set(seen)].slice(-2)).toEqual(['Running', 'Succeeded']);
    expect(told).toEqual(seen);
    const { status, slackwater } = await poller.pollUntilDone();
    expect([status, slackwater.receiptVerified]).toEqual([201, true]);
  });

  it('can be left, which ends the wait and not the deferral', async () => {
    app.hold();
    const poller = await following().begin(held);
    for await (const { status } of poller) if (status === 'Running') break;
    app.release();
    expect((await poller.pollUntilDone()).status).toBe(201);
  });

  it('ends its updates by the deadline and by the signal, with what goes on later', async () => {
    app.hold();
    const poller = await following().begin(held);
    const read = async (options: Parameters<typeof poller.updates>[0]): Promise<void> => {
      for await (const _change of poller.updates(options));
    };
    expect(await rejection(read({ deadlineMs: 50 }))).toMatchObject({
      code: 'deadline-exceeded',
      resume: String(poller),
    });
    const signal = AbortSignal.timeout(50);
    expect(await rejection(read({ signal }))).toMatchObject({ code: 'aborted' });
    app.release();
    await poller.pollUntilDone();
  });

  it('has nothing to tell where the request was answered at once', async () => {
    const poller = await createClient({ baseURL: app.origin }).begin({ url: '/plain' });
    for await (const _change of poller) expect.unreachable();
    expect((await poller.pollUntilDone()).data).toEqual({ plain: true });
  });
});

describe('a success that was told ahead of the work', () => {
  it('is reported when it comes to nothing and is undone, to the call and to pollers (B-48)', async () => {
    const client = createClient({ baseURL: app.origin });
    const told: string[] = [];
    const onReversed = ({ id }: { readonly id: string }): void => void told.push(id);
    const call = await client.post('/told', { sku: 'bad' }, { slackwater: { onReversed } });
    expect(call).toMatchObject({ status: 201, data: { told: true } });
    const poller = client.deferral(call.slackwater.resume ?? '');
    poller.onReversed(onReversed);
    const statuses: string[] = [];
    for await (const { status, reversal } of poller) statuses.push(`${status} ${reversal?.reversed}`);
    expect(statuses.at(-1)).toBe('Failed true');
    const { id } = poller.deferral ?? {};
    await expect.poll(() => told).toEqual([id, id]);
    expect(app.undone).toEqual(['bad']);
  });

  it('is not reported where it holds, nor once nobody wants to know', async () => {
    const client = createClient({ baseURL: app.origin });
    const { slackwater } = await client.post('/told', { sku: 'fine' });
    const poller = client.deferral(slackwater.resume ?? '');
    poller.onReversed(() => expect.unreachable())();
    poller.onReversed(() => expect.unreachable());
    const statuses: string[] = [];
    for await (const { status } of poller) statuses.push(status);
    expect(statuses.at(-1)).toBe('Succeeded');
  });
});

describe('client.audit.verify at a real gate', () => {
  it('proves entry, steps, outcome and that the ledger goes on, from a store that another client filled', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-receipts-'));
    try {
      const options = {
        baseURL: app.origin,
        verifierKeys: [await app.gate.ledger.verifierKey()],
        receipts: fileStore(directory),
      };
      const following = { ...options, onProgress: () => {} };
      const sent = await createClient(following).post('/orders', { sku: 'proven ü' });
      const { id = '' } = sent.slackwater.deferral ?? {};
      await createClient(following).post('/orders', { sku: 'another' });
      const { audit } = createClient(options);
      const verification = await audit.verify(id);
      expect(verification).toMatchObject({
        isOwn: true,
        outcome: 'matches',
        entry: { id, route: '/orders' },
      });
      expect(verification.later?.map(({ type }) => type)).toEqual(['performing', 'performed']);
      expect(verification.consistentWith).toBeGreaterThan(0);
      expect(await audit.promise(id)).toEqual(verification.promise);
      // Another caller is told nothing, and proves what is public.
      const stranger = createClient({ ...options, headers: { 'X-User': 'mallory' } });
      expect(await stranger.audit.verify(id)).toMatchObject({ isOwn: true, later: undefined });
      expect(readdirSync(directory).length).toBeGreaterThan(2);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a caller that is killed while it waits', () => {
  it('is taken up by another process, from the text of its poller: one effect, the right outcome', async () => {
    app.hold();
    const before = doneOf('held');
    const first = caller('begin');
    const text = await firstLine(first);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const second = caller('resume');
    const lines = linesOf(second);
    second.stdin?.end(text);
    expect(await lines.next()).toMatchObject({ value: text });
    app.release();
    const { value } = await lines.next();
    expect(JSON.parse(value)).toMatchObject({ status: 201, data: { sku: 'held' } });
    expect(doneOf('held') - before).toBe(1);
  });
});

function caller(command: 'begin' | 'resume'): ChildProcess {
  const program = fileURLToPath(new URL('children/caller.ts', import.meta.url));
  return spawn(process.execPath, [program, command, app.origin], { stdio: ['pipe', 'pipe', 'inherit'] });
}

function linesOf(child: ChildProcess): AsyncIterator<string> {
  if (child.stdout === null) throw new Error('its output is not read');
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

async function firstLine(child: ChildProcess): Promise<string> {
  return (await linesOf(child).next()).value;
}

describe('a stock poller of @azure/core-lro, unmodified', () => {
  const send = async (url: string, init: RequestInit = {}): Promise<OperationResponse> => {
    const response = await fetch(new URL(url, app.origin), init);
    const text = await response.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const rawResponse = {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      body,
      request: { method: init.method ?? 'GET', url },
    };
    return { flatResponse: body, rawResponse };
  };
  const begin = (sku: string, method = 'POST'): ReturnType<typeof createHttpPoller> =>
    createHttpPoller(
      {
        sendInitialRequest: () =>
          send('/orders', {
            method,
            headers: { 'Content-Type': 'application/json', Prefer: 'respond-async' },
            body: JSON.stringify({ sku }),
          }),
        sendPollRequest: (path) => send(path),
      },
      { intervalInMs: 20 },
    );

  it('ends at the outcome, by whatever method', async () => {
    const methods = ['POST', 'PUT', 'PATCH', 'DELETE'];
    const ends = methods.map(async (method) => {
      const poller = begin(`lro-${method}`, method);
      expect(await poller.pollUntilDone()).toMatchObject({ sku: `lro-${method}` });
      expect(poller.operationState).toMatchObject({ status: 'succeeded' });
    });
    await Promise.all(ends);
    expect(methods.map((method) => doneOf(`lro-${method}`))).toEqual([1, 1, 1, 1]);
  });

  it('is told of a failure', async () => {
    const failure = await rejection(Promise.resolve(begin('bad').pollUntilDone()));
    expect(failure.message).toMatch(/failed/);
  });
});
