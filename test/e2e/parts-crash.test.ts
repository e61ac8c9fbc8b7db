import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseEntry } from '@slackwater/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, post } from './orders-app.ts';
import { openPartsShop, type PartsShop } from './parts-shop.ts';

const program = fileURLToPath(new URL('children/parts-host.ts', import.meta.url));
let directory: string;
let shop: PartsShop;
/** What the caller of the request that failed after its success was told was told. */
let told: { readonly status: number; readonly body: unknown; readonly url: string };

/** One process dies with three requests under way that have deferred parts, right after a fourth has failed. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-parts-'));
  const child = spawn(process.execPath, [program, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  const url = await next();
  const keyed = (path: string): void =>
    void post(`${url}/${path}`, {}, { 'idempotency-key': `"${path}"` }).catch(() => {});
  keyed('committed');
  keyed('uncommitted');
  post(`${url}/unkeyed`, {}).catch(() => {});
  const reached = [await next(), await next(), await next()];
  expect(reached.sort()).toEqual(['committed', 'uncommitted', 'unkeyed']);
  const answer = await post(`${url}/told`, { what: 'the order' });
  const location = answer.headers.get('operation-location') ?? '';
  told = { status: answer.status, body: await answer.json(), url: location };
  expect((await ended)[1]).toBe('SIGKILL');
  shop = await openPartsShop(directory);
}, 120_000);

afterAll(async () => {
  await shop.close();
  rmSync(directory, { recursive: true, force: true });
});

/** What became of the parts, by whom their mail is to. */
async function partsByMail(): Promise<Record<string, { status: string; error: string | undefined }>> {
  const { deferrals } = await shop.gate.audit.deferrals({ method: 'PART' });
  const ledger = await shop.gate.ledger.open();
  const found = await Promise.all(
    deferrals.map(async ({ id }) => {
      const { to } = JSON.parse(Buffer.from((await ledger.request(id)).body).toString('utf8'));
      const { status, error } = (await ledger.find(id)) ?? { status: 'none', error: undefined };
      return [to, { status, error: error?.code }] as const;
    }),
  );
  return Object.fromEntries(found);
}

describe('after kill -9', () => {
  it('a request whose success was told, and that had failed by then, is undone, once (B-07, B-47, B-48)', async () => {
    expect(told).toMatchObject({ status: 201, body: { outcome: 'succeeded', implemented: false } });
    await eventually(() => expect(shop.effects()).toContain('undone the order'));
    const resource = await eventually(async () => {
      const seen = await (await fetch(`${shop.url}${told.url}`)).json();
      expect(seen.reversal.reversed).toBe(true);
      return seen;
    });
    expect(resource).toMatchObject({
      status: 'Failed',
      acknowledged: 'succeeded',
      error: { code: 'route-refused' },
      reversal: { status: 'Succeeded', phase: 'settled' },
    });
    expect(shop.effects().filter((what) => what === 'undone the order')).toHaveLength(1);
  });

  it('the parts of a request are done, once, where its completion row says that its work is', async () => {
    await eventually(async () => {
      expect(await partsByMail()).toMatchObject({ committed: { status: 'Succeeded' } });
    });
    expect(shop.effects().filter((what) => what === 'mail committed')).toHaveLength(1);
  });

  it('the parts of a request are canceled where its completion rows say that none of its work is', async () => {
    await eventually(async () => {
      expect(await partsByMail()).toMatchObject({
        uncommitted: { status: 'Canceled', error: 'request-failed' },
      });
    });
    expect(shop.effects()).not.toContain('mail uncommitted');
  });

  it('the parts of a request that wrote no completion rows are done, once: its caller may rely on them', async () => {
    await eventually(async () => {
      expect(await partsByMail()).toMatchObject({ unkeyed: { status: 'Succeeded' } });
    });
    expect(shop.effects().filter((what) => what === 'mail unkeyed')).toHaveLength(1);
  });

  it('the same Idempotency-Key defers nothing twice: what was done is not done again, what was not is', async () => {
    const again = (path: string): Promise<Response> =>
      post(`${shop.url}/${path}`, {}, { 'idempotency-key': `"${path}"` });
    expect((await again('committed')).status).toBe(409);
    expect((await again('uncommitted')).status).toBe(201);
    await eventually(() => expect(shop.effects()).toContain('mail uncommitted'));
    expect(shop.effects().filter((what) => what.startsWith('mail'))).toEqual([
      'mail committed',
      'mail uncommitted',
      'mail unkeyed',
    ]);
  });

  it('tells who follows it by a stream until it is undone, and who listens in the process', async () => {
    const reversed = new Promise((resolve) => {
      const stop = shop.gate.on('deferral', (event) => {
        if (event.type !== 'reversed') return;
        stop();
        resolve(event);
      });
    });
    const answer = await post(`${shop.url}/told`, { what: 'another' });
    const status = `${shop.url}${answer.headers.get('operation-location')}`;
    const stream = await fetch(status, { headers: { accept: 'text/event-stream' } });
    const states = (await stream.text())
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice('data: '.length)));
    const last = states.at(-1);
    expect(last).toMatchObject({ status: 'Failed', reversal: { reversed: true } });
    expect(await reversed).toMatchObject({ id: last.id, compensation: last.reversal.id, workType: 'told' });
    expect((await fetch(status)).headers.has('retry-after')).toBe(false);
  });

  it('leaves a ledger that verifies, with the steps of all of them', async () => {
    expect(await shop.gate.audit.verify()).toMatchObject({ ok: true });
    const { deferrals } = await shop.gate.audit.deferrals({ method: 'COMPENSATE' });
    const [undoing] = deferrals;
    expect(deferrals).toHaveLength(2);
    const entries = (await shop.gate.audit.entries(undoing?.id ?? '')).map(({ bytes }) => parseEntry(bytes));
    expect(entries.map(({ type }) => type).filter((type) => type !== 'postponed')).toEqual([
      'accepted',
      'released',
      'performing',
      'performed',
    ]);
  });
});
