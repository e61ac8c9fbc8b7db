import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type DemoProcess, makeDemoFolder, startDemo } from '../demo-process.ts';

const program = fileURLToPath(new URL('../../../examples/shop/src/demo.ts', import.meta.url));

/** On a machine that is busy. */
const timeout = 180_000;

describe('the demo, in a process of its own and without a terminal', () => {
  const folder = makeDemoFolder();

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...args: readonly string[]): DemoProcess =>
    startDemo(program, folder, args, { sharesData: true });

  it('ends by itself with an account of everything that was asked', { timeout }, async () => {
    const { ended, output, complaints } = run('--short');
    expect(await ended, complaints()).toBe(0);
    const last = output().trimEnd().split('\n').at(-1) ?? '';
    expect(last).toMatch(
      /^\{"performed":\d+,"retriedLater":\d+,"deferred":\d+,"succeeded":\d+,"lost":0,"duplicated":0,"ledgerVerified":true\}$/,
    );
    const { performed, retriedLater, deferred, succeeded } = JSON.parse(last) as Record<string, number>;
    expect(performed).toBeGreaterThan(0);
    expect(retriedLater).toBeGreaterThan(0);
    expect(deferred).toBeGreaterThan(0);
    expect(succeeded).toBeGreaterThanOrEqual(Number(performed) + Number(deferred));
    expect(output()).not.toContain('\u001b');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing behind where it is interrupted', { timeout }, async () => {
    const { child, says, ended } = startDemo(program, folder, ['--short']);
    await says('The database is quick');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps the shop open until it is told to close', { timeout }, async () => {
    const { child, says, output, ended } = run('--serve');
    await says('/checkpoint');
    const [address = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(output()) ?? [];
    const headers = { 'Content-Type': 'application/json', 'X-Customer': 'ada' };
    const send = (path: string, body: object): Promise<Response> =>
      fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });

    const order = await send('/orders', { reference: 'one', item: 'oars', count: 2 });
    expect(order.status).toBe(201);
    expect(await (await fetch(`${address}${order.headers.get('Location')}`, { headers })).json()).toEqual({
      order: 1,
      reference: 'one',
      item: 'oars',
      count: 2,
      state: 'to be packed',
    });
    expect((await send('/demo/slow', { ms: -1 })).status).toBe(400);
    expect((await send('/demo/slow', { ms: 200 })).status).toBe(200);
    const begun = Date.now();
    expect((await send('/payments', { reference: 'two', amountCents: 1 })).status).toBe(201);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(200);

    const port = address.split(':').at(-1) ?? '';
    const second = run('--serve', '--port', port);
    expect(await second.ended).toBe(1);
    expect(second.complaints()).toBe(
      `Port ${port} can't be listened on: it is in use; choose another with --port.\n`,
    );

    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says in one line what it does not understand', async () => {
    const { ended, complaints } = run('--fast');
    expect(await ended).toBe(2);
    expect(complaints()).toBe("Unknown option '--fast'; npm run demo -- --help lists what there is.\n");
  });
});
