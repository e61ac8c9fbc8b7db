import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createKeyFile } from '@slackwater/middleware';
import { parseDeferralResource } from '@slackwater/shared';
import type pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import type { EngineSpec } from '../../e2e/children/engine-of.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { order, settled, until } from './orders.ts';

const program = fileURLToPath(new URL('shop-child.ts', import.meta.url));

const stalledWithinMs = 240_000;

/** A performer that stands still for longer than its lease, in a process of its own, and another one that goes on. */
export function stalledSuite(connectionString: string, database: pg.Pool): void {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-stalled-'));
  const keys = new TextDecoder().decode(createKeyFile({ application: 'shop', group: 'main' }));
  const engines: readonly EngineSpec[] = [
    { engine: 'sqlite', directory },
    { engine: 'postgres', connectionString, schema: 'stalled', keys },
  ];
  const processes: ServerProcess[] = [];

  afterAll(async () => {
    for (const one of processes) await one.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(
    engine: EngineSpec,
    name: string,
    stalls = '',
  ): Promise<{ process: ServerProcess; address: string }> {
    const started = startServer([program, JSON.stringify(engine), connectionString], {
      NAME: name,
      STALLS: stalls,
    });
    processes.push(started);
    const listening = await started.listening;
    if (listening === undefined) throw new Error(`The shop did not open: ${started.complaints()}`);
    return { process: started, address: listening.address };
  }

  const read = async (url: string): Promise<unknown> => (await fetch(url)).json();
  const times = async (reference: string): Promise<number> =>
    (await database.query('SELECT FROM orders WHERE reference = $1', [reference])).rows.length;
  const waits = async (): Promise<boolean> => {
    const { rows } = await database.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    return rows.length > 0;
  };

  describe.each(engines)('a performer on $engine that is stopped for longer than its lease', (engine) => {
    it(
      'neither commits nor settles when it wakes up and another one has done its item',
      async () => {
        const reference = `before BEGIN on ${engine.engine}`;
        const first = await start(engine, 'first', 'before BEGIN');
        const path = await order(first.address, reference);
        if (path === undefined) throw new Error('The order was not accepted.');
        const isStopped = () => first.process.isStopped();
        await until(async () => isStopped());
        const second = await start(engine, 'second');
        expect(await settled(second.address, path)).toBe('Succeeded');
        const before = parseDeferralResource(await read(second.address + path));
        expect(before.attempts).toBe(2);

        first.process.resume();
        await until(async () => ((await read(`${first.address}/ends`)) as unknown[]).length > 0);
        expect(await read(`${first.address}/ends`)).toEqual(['already-performed']);
        // What it would say of the item it says soon, if it may.
        await sleep(300);
        for (const { address } of [first, second]) {
          expect(parseDeferralResource(await read(address + path)).updatedAt).toBe(before.updatedAt);
          expect(await read(address + path.replace('?', '/outcome?'))).toEqual({ by: 'second' });
        }
        expect(await times(reference)).toBe(1);
        for (const { process } of [first, second]) await process.kill();
      },
      stalledWithinMs,
    );

    it(
      'does not settle when it wakes up in its transaction, for whose end the other one waited',
      async () => {
        const reference = `before COMMIT on ${engine.engine}`;
        const first = await start(engine, 'first', 'before COMMIT');
        const path = await order(first.address, reference);
        if (path === undefined) throw new Error('The order was not accepted.');
        await until(async () => first.process.isStopped());
        const second = await start(engine, 'second');
        await until(waits);
        first.process.resume();
        expect(await settled(second.address, path)).toBe('Succeeded');
        expect(parseDeferralResource(await read(second.address + path))).toMatchObject({
          attempts: 2,
          outcomeKnown: false,
        });
        expect(await times(reference)).toBe(1);
        for (const { process } of [first, second]) await process.kill();
      },
      stalledWithinMs,
    );
  });
}
