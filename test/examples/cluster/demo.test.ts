import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type DemoProcess, makeDemoFolder, startDemo } from '../demo-process.ts';

const program = fileURLToPath(new URL('../../../examples/cluster/src/demo.ts', import.meta.url));

/** On a machine that is busy. */
const timeout = 180_000;

describe('the demo of the cluster, in a process of its own and without a terminal', () => {
  const folder = makeDemoFolder();
  const run = (...args: readonly string[]): DemoProcess =>
    startDemo(program, folder, args, { sharesData: true });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('loses nothing with a host and a server, and ends with one root', { timeout }, async () => {
    const { ended, output, complaints } = run('--short');
    expect(await ended, complaints() + output()).toBe(0);
    const last = output().trimEnd().split('\n').at(-1) ?? '';
    expect(last).toMatch(
      /^\{"performed":\d+,"retriedLater":\d+,"deferred":\d+,"succeeded":\d+,"lost":0,"duplicated":0,"ledgerVerified":true,"hosts":3,"sameRoot":true\}$/,
    );
    const { performed, deferred, succeeded } = JSON.parse(last) as Record<string, number>;
    expect(performed).toBeGreaterThan(0);
    expect(deferred).toBeGreaterThan(0);
    expect(succeeded).toBeGreaterThanOrEqual(Number(performed) + Number(deferred));
    expect(output()).toContain('kill -9 of host-2');
    expect(output()).not.toContain('\u001b');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps it open, and open without one of its hosts', { timeout }, async () => {
    const { child, says, output, ended } = run('--serve');
    await says('/checkpoint');
    const [address = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(output()) ?? [];
    const headers = { 'Content-Type': 'application/json', 'X-Customer': 'ada' };
    const send = (path: string, body: object): Promise<Response> =>
      fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const payEach = async (references: readonly string[]): Promise<readonly number[]> =>
      Promise.all(
        references.map(async (reference) => (await send('/payments', { reference, amountCents: 1 })).status),
      );

    expect(await payEach(['one', 'two', 'three'])).toEqual([201, 201, 201]);
    expect((await send('/demo/kill', { name: 'nobody' })).status).toBe(400);
    expect((await send('/demo/kill', { name: 'host-1' })).status).toBe(200);
    expect(await payEach(['four', 'five', 'six'])).toEqual([201, 201, 201]);
    expect((await send('/demo/start', { name: 'host-1' })).status).toBe(200);
    const hosts = [...output().matchAll(/host-\d +(http:\S+)/g)].map(([, host]) => host);
    expect(hosts).toHaveLength(3);
    const heads = hosts.map(async (host) =>
      (await fetch(`${host}/slackwater/ledger/main/checkpoint`)).text(),
    );
    expect(new Set((await Promise.all(heads)).map((text) => text.split('\n\n')[0])).size).toBe(1);

    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });
});
