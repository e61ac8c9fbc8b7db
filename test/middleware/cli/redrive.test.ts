import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { accepted, type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { type Said, slackwaterSays } from './command-line.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const redrive = (...args: readonly string[]): Promise<Said> =>
  slackwaterSays('redrive', '--ledger', `sqlite:${bench.directory}`, ...args);

async function parkedOne(ledger: Ledger, code: 'route-missing' | 'record-corrupt'): Promise<string> {
  const { id } = await accepted(ledger);
  await ledger.step(id, { type: 'parked', token: 1, error: { code, message: 'no' } });
  return id;
}

describe('slackwater redrive', () => {
  it('puts parked deferrals of a running application back on their queues, one or many, after a dry run', async () => {
    const { ledger, engine } = await bench.open();
    const ids = [
      await parkedOne(ledger, 'route-missing'),
      await parkedOne(ledger, 'record-corrupt'),
      await parkedOne(ledger, 'route-missing'),
    ];
    await accepted(ledger);
    const many = ['--all', '--error', 'route-missing'];
    const report = { dryRun: true, matched: 2, redriven: 0, skipped: 0, errors: { 'route-missing': 2 } };
    expect(JSON.parse((await redrive(...many, '--dry-run')).out)).toEqual({ ...report, more: false });
    expect(await ledger.find(ids[0] ?? '')).toMatchObject({ phase: 'parked' });
    const first = JSON.parse((await redrive(...many, '--limit', '1', '--by', 'ops')).out);
    expect(first).toMatchObject({ dryRun: false, matched: 1, redriven: 1, more: true });
    expect(await ledger.find(ids[0] ?? '')).toMatchObject({ phase: 'queued' });
    expect(await ledger.find(ids[2] ?? '')).toMatchObject({ phase: 'parked' });
    const one = await redrive('--id', ids[1] ?? '', '--repeat');
    expect(JSON.parse(one.out)).toMatchObject({ matched: 1, redriven: 1, errors: { 'record-corrupt': 1 } });
    expect(await ledger.find(ids[1] ?? '')).toMatchObject({ redriven: { attempts: 0, repeat: true } });
    expect(await redrive('--id', ids[1] ?? '')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('only what is parked'),
    });
    expect(await engine.queue.backlog()).toMatchObject([{ items: 4 }]);
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });

  it.each([
    [[], 'give --id or --all'],
    [['--id', 'x', '--all'], 'and not both'],
    [['--id', 'x', '--error', 'route-missing'], '--error goes with --all'],
    [['--all', '--limit', '0'], '--limit "0"'],
    [['--all', '--by', 'x'.repeat(501)], '--by has up to 500'],
  ])('refuses %o', async (args, sentence) => {
    await (await bench.open()).close();
    const said = await redrive(...args);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(sentence);
  });
});
