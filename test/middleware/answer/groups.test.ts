import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gate, type SlackwaterOptions, sqliteEngine } from '@slackwater/middleware';
import { type DeferralResource, parseEntry, verifyReceipt } from '@slackwater/shared';
import express, { type Request } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auth, claims, signed } from '../audit/issuer.ts';
import { type GatedApp, options, partition, patiently, post, serve } from './gated-app.ts';

const directory = mkdtempSync(join(tmpdir(), 'slackwater-groups-'));
const order = { ...options.workTypes.order, candidates: 'always', maxDelayMs: 1_000 } as const;
const missed: { readonly group: string; readonly id?: string }[] = [];
const troubles: { readonly group?: string; readonly error: unknown }[] = [];
const performed: { readonly group: string; readonly id?: string }[] = [];
/** What the route waits for before it answers. */
let held: Promise<void> = Promise.resolve();
let app: GatedApp;

beforeAll(async () => {
  app = await start();
});

afterAll(async () => {
  await app.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Two groups, one in the gate's engine and one in its own; the header X-Region says which, where it is there. */
function start(more: SlackwaterOptions = {}): Promise<GatedApp> {
  return serve(
    (on, gate) => {
      gate.on('trouble', (event) => troubles.push(event));
      gate.on('deferral', (event) => event.type === 'performed' && performed.push(event));
      gate.on('deferral', (event) => event.type === 'promise-missed' && missed.push(event));
      on.use(gate);
      on.use(express.json());
      on.post('/{*path}', async (req, res) => {
        await held;
        await gate.latency.commit(partition, async () => {});
        res.status(201).json({ did: req.body });
      });
    },
    {
      workTypes: { order },
      routes: { 'POST /in-order/:of': { orderKey: ({ params }) => params['of'] } },
      groups: { eu: {}, us: { engine: sqliteEngine({ directory: join(directory, 'us') }) } },
      groupFor: async (req: Request) => req.get('x-region'),
      engine: sqliteEngine({ directory: join(directory, 'eu') }),
      ledger: { engineTimeoutMs: 20_000 },
      perform: { lookEveryMs: 20 },
      latency: { probeEveryMs: 60_000 },
      auth,
      ...more,
    },
  ).then(async (started) => {
    // What is deferred goes to a partition that was seen to commit.
    await started.gate.latency.commit(partition, async () => {});
    return started;
  });
}

async function deferred(
  region: string,
  headers: Readonly<Record<string, string>> = {},
  path = 'orders',
): Promise<{ resource: DeferralResource; url: string }> {
  const answer = await ask(region, headers, path);
  expect(answer.status).toBe(202);
  const url = `${app.url}${answer.headers.get('operation-location')}`;
  return { resource: (await answer.json()) as DeferralResource, url };
}

function ask(
  region: string,
  headers: Readonly<Record<string, string>> = {},
  path = 'orders',
): Promise<Response> {
  const asking = { prefer: 'respond-async', 'x-customer': 'ann', 'x-region': region };
  return patiently(`${app.url}/${path}`, { the: 'order' }, { ...asking, ...headers });
}

const bearer = { authorization: `Bearer ${signed(claims(Date.now()))}` };

async function json(path: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const answer = await fetch(`${app.url}/slackwater/${path}`, { headers });
  expect(answer.status).toBe(200);
  return answer.json();
}

function groupOf(gate: Gate, name: string) {
  const group = gate.groups.get(name);
  if (group === undefined) throw new Error(`no group ${name}`);
  return group;
}

describe('requests of several resource groups', () => {
  it('land in two chains, each verifying on its own, and are performed from both (B-03)', async () => {
    const made = [await deferred('eu'), await deferred('us'), await deferred('us')];
    expect(made.map(({ resource }) => resource.group)).toEqual(['eu', 'us', 'us']);
    const origins: string[] = [];
    for (const name of ['eu', 'us']) {
      const { ledger, audit } = groupOf(app.gate, name);
      const report = await audit.verify();
      expect(report).toMatchObject({ ok: true });
      const checkpoint = await (await fetch(`${app.url}/slackwater/ledger/${name}/checkpoint`)).text();
      const { origin, verifierKey } = await ledger.open();
      expect(checkpoint.split('\n')[0]).toBe(origin);
      origins.push(origin);
      for (const { resource } of made) {
        const entry = Buffer.from(resource.entry, 'base64');
        const verify = () => verifyReceipt(resource.receipt, { entry, verifierKeys: [verifierKey] });
        if (resource.group === name) expect(verify()).toMatchObject({ origin });
        else expect(verify).toThrow();
      }
    }
    expect(new Set(origins).size).toBe(2);
    const all = (): boolean => made.every(({ resource }) => performed.some(({ id }) => id === resource.id));
    await expect.poll(all, { timeout: 30_000, interval: 20 }).toBe(true);
    for (const { resource } of made) {
      expect(performed.find(({ id }) => id === resource.id)?.group).toBe(resource.group);
    }
  });

  it('are kept up by what their group has for that alone: who seals its chain, and who performs from its queue (B-53)', async () => {
    const sizeOf = async (name: string): Promise<number> => {
      const text = await (await fetch(`${app.url}/slackwater/ledger/${name}/checkpoint`)).text();
      return Number(text.split('\n')[1]);
    };
    const us = groupOf(app.gate, 'us');
    const before = { us: await sizeOf('us'), eu: await sizeOf('eu') };
    await us.queue.pause();
    const [held, other] = [await deferred('us'), await deferred('eu')];
    const isDone = ({ resource }: typeof held): boolean => performed.some(({ id }) => id === resource.id);
    await expect.poll(() => isDone(other), { timeout: 30_000, interval: 20 }).toBe(true);
    // What its performer does not do nobody else's does, and its chain grows all the same.
    expect(isDone(held)).toBe(false);
    expect(await sizeOf('us')).toBeGreaterThan(before.us);
    expect(await sizeOf('eu')).toBeGreaterThanOrEqual(before.eu + 3);
    expect(await us.audit.verify()).toMatchObject({ ok: true });
    await us.queue.resume();
    await expect.poll(() => isDone(held), { timeout: 30_000, interval: 20 }).toBe(true);
  });

  it('are found by id, whichever group has them, and listed by group', async () => {
    const made = [await deferred('us'), await deferred('eu'), await deferred('us')];
    for (const { resource, url } of made) {
      const found = (await (await fetch(url)).json()) as DeferralResource;
      expect([found.id, found.group]).toEqual([resource.id, resource.group]);
      expect((await app.gate.deferrals.find(resource.id))?.id).toBe(resource.id);
    }
    for (const [group, own] of [
      ['eu', [made[1]]],
      ['us', [made[2], made[0]]],
    ] as const) {
      const list = (await json(`deferrals?group=${group}&limit=${own.length}`, bearer)) as {
        deferrals: DeferralResource[];
      };
      expect(list.deferrals.map((row) => [row.id, row.group])).toEqual(
        own.map((one) => [one?.resource.id, group]),
      );
      const entries = await json(`deferrals/${own[0]?.resource.id}/entries`, bearer);
      expect(entries).toMatchObject({ id: own[0]?.resource.id });
    }
    const unsaid = await fetch(`${app.url}/slackwater/deferrals`, { headers: bearer });
    expect(unsaid.status).toBe(400);
    expect(await unsaid.json()).toMatchObject({ detail: expect.stringContaining('give one of eu, us') });
    const first = await fetch(`${app.url}/slackwater/mapping?position=0`, { headers: bearer });
    expect([first.status, (await first.json()).detail]).toEqual([400, expect.stringContaining('eu, us')]);
  });

  it('are shown by group to auditors, in the list of groups and in health', async () => {
    const { groups } = (await json('deferrals/groups', bearer)) as { groups: object[] };
    const known = { application: 'answering', durable: 'fsync', status: 'ready', ledgerIsPublic: true };
    expect(groups).toEqual([
      { ...known, group: 'eu' },
      { ...known, group: 'us' },
    ]);
    expect((await fetch(`${app.url}/slackwater/deferrals/groups`)).status).toBe(404);
    expect(await json('health')).toMatchObject({
      status: 'ready',
      groups: { eu: { status: 'ready' }, us: { status: 'ready' } },
    });
  });

  it('are deferred nowhere where groupFor names no group, or none: never in another by default', async () => {
    const before = troubles.length;
    const decided: unknown[] = [];
    const stop = app.gate.on('decision', (event) => decided.push(event));
    for (const region of ['apac', '']) expect((await ask(region)).status).toBe(201);
    stop();
    // What can't be deferred goes by latency alone, and nothing is slow.
    const performed = { decision: 'perform', reasons: ['clear', 'always-defer', 'group-unknown'] };
    expect(decided).toEqual([expect.objectContaining(performed), expect.objectContaining(performed)]);
    expect(troubles.slice(before).map(({ error }) => String(error))).toEqual([
      expect.stringContaining('"apac" is no resource group; there are eu, us'),
      expect.stringContaining('"" is no resource group'),
    ]);
  });
});

describe('an Idempotency-Key', () => {
  it('stays with the group that first took it, whatever groupFor says of its repetition', async () => {
    const key = { 'idempotency-key': '"moved"' };
    const first = await deferred('eu', key);
    const again = await deferred('us', key);
    expect([again.resource.id, again.resource.group]).toEqual([first.resource.id, 'eu']);
    const reused = await patiently(
      `${app.url}/orders`,
      { other: true },
      { prefer: 'respond-async', 'x-customer': 'ann', 'x-region': 'us', ...key },
    );
    expect(reused.status).toBe(422);
  });

  it('comes back where its group can not be told, for it may stand in any', async () => {
    const answer = await ask('apac', { 'idempotency-key': '"lost"' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ reasons: ['group-unknown'] });
  });
});

describe('an order key', () => {
  it('that waits in one group is not overtaken through another', async () => {
    let go = (): void => {};
    held = new Promise((resolve) => {
      go = resolve;
    });
    try {
      const first = await deferred('eu', {}, 'in-order/a');
      const overtaking = await ask('us', {}, 'in-order/a');
      expect(overtaking.status).toBe(503);
      expect(await overtaking.json()).toMatchObject({ reasons: ['order-key-waiting'] });
      expect((await deferred('eu', {}, 'in-order/a')).resource.group).toBe('eu');
      expect((await deferred('us', {}, 'in-order/b')).resource.group).toBe('us');
      go();
      await expect
        .poll(() => performed.some(({ id }) => id === first.resource.id), { timeout: 30_000, interval: 20 })
        .toBe(true);
    } finally {
      go();
      held = Promise.resolve();
    }
  });
});

describe('a deferral that is not performed by the time that its work type promises', () => {
  it('is told of by its group, counted, and performed all the same', async () => {
    let go = (): void => {};
    held = new Promise((resolve) => {
      go = resolve;
    });
    try {
      const { resource, url } = await deferred('us');
      const { deadlineAt } = resource;
      const promised = parseEntry(Buffer.from(resource.entry, 'base64'));
      expect(promised).toMatchObject({ deadlineAt });
      expect(Date.parse(deadlineAt ?? '') - Date.parse(promised.at)).toBe(1_000);
      await expect
        .poll(() => missed.find(({ id }) => id === resource.id)?.group, { timeout: 30_000, interval: 20 })
        .toBe('us');
      const metrics = await (await fetch(`${app.url}/slackwater/metrics`, { headers: bearer })).text();
      expect(metrics).toMatch(/slackwater_deferrals_total\{event="promise-missed",group="us"\} [1-9]/);
      go();
      await expect
        .poll(async () => ((await (await fetch(url)).json()) as DeferralResource).status, { timeout: 30_000 })
        .toBe('Succeeded');
    } finally {
      go();
      held = Promise.resolve();
    }
  });
});

describe('a group whose ledger is broken', () => {
  it('leaves the others at work, and health says which it is', async () => {
    const usual = app;
    const place = join(directory, 'broken');
    const groups = { eu: {}, us: { engine: sqliteEngine({ directory: place }) } };
    const engine = sqliteEngine({ directory: join(directory, 'whole') });
    app = await start({ groups, engine });
    const { url: kept } = await deferred('us');
    await app.close();
    for (const name of readdirSync(place)) if (name.startsWith('keys-')) rmSync(join(place, name));
    app = await start({ groups, engine });
    try {
      await expect(app.gate.start()).rejects.toMatchObject({ code: 'ledger-keys-differ' });
      expect(await json('health')).toMatchObject({
        status: 'degraded',
        groups: { eu: { status: 'ready' }, us: { status: 'degraded' } },
      });
      const { resource, url } = await deferred('eu', { 'idempotency-key': '"beside"' });
      expect(resource.group).toBe('eu');
      expect((await fetch(url)).status).toBe(200);
      await expect
        .poll(() => performed.some(({ id }) => id === resource.id), { timeout: 30_000, interval: 20 })
        .toBe(true);
      const refused = await post(
        `${app.url}/orders`,
        {},
        { 'x-customer': 'ann', 'x-region': 'us', prefer: 'respond-async' },
      );
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({
        recorded: false,
        reasons: ['always-defer', 'ledger-unavailable'],
      });
      // It may be there: nobody may say that it is not.
      expect((await fetch(kept.replace(/:\d+/, `:${app.port}`))).status).toBe(503);
      expect(troubles.filter(({ group }) => group === 'us').length).toBeGreaterThan(0);
    } finally {
      await app.close();
      app = usual;
    }
  });
});
