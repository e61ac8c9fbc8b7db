import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accepted, type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { hurriedClock, type Said, slackwaterSays, slackwaterSaysBy } from './command-line.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

/** Between two looks a minute passes; everything else takes its time. */
const erase = (...args: readonly string[]): Promise<Said> =>
  slackwaterSaysBy(hurriedClock(200, 60_000), ...['erase', '--ledger', `sqlite:${bench.directory}`], ...args);

const alice = ['--requester', 'alice@example.com', '--purpose', 'request 4711'];

describe('slackwater erase', () => {
  it('erases a requester of a ledger that an application has open, and says under which pseudonym it was known', async () => {
    const { ledger } = await bench.open({ keyCacheMs: 1 });
    const { id, requester } = await accepted(ledger);
    const { code, out, err } = await erase(...alice, '--by', 'officer');
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({ status: 'erased', requester });
    await expect(ledger.request(id)).rejects.toMatchObject({ code: 'requester-erased' });
    expect(await ledger.find(id)).toMatchObject({ status: 'Canceled', error: { code: 'requester-erased' } });
    expect(JSON.parse((await erase(...alice)).out)).toEqual({ status: 'nothing-kept' });
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });

  it('leaves to the application what was tried before, and ends with 1', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger);
    await ledger.step(id, { type: 'performing', token: 1 });
    const error = { code: 'route-failed', message: 'down' } as const;
    await ledger.step(id, { type: 'failed', token: 1, outcome: undefined, error, retryAt: Date.now() });
    const { code, out, err } = await erase(...alice, '--wait', '1');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('its key is not destroyed yet');
    await ledger.request(id);
    expect(await ledger.erasures.unfinished()).toHaveLength(1);
  });

  it.each([
    [['--requester', 'a'], '--purpose is missing'],
    [['--purpose', 'a'], '--requester is missing'],
    [[...alice, '--wait', 'long'], '--wait "long"'],
    [[...alice, '--purpose', 'again'], '--purpose is there 2 times'],
    [[...alice, '--keys', 'file'], 'leave it out'],
  ])('refuses %o', async (args, sentence) => {
    await (await bench.open()).close();
    const said = await erase(...args);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(sentence);
  });

  it('wants to know where the ledger is', async () => {
    expect(await slackwaterSays('erase', ...alice)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--ledger'),
    });
    const nats = await slackwaterSays(
      'erase',
      '--ledger',
      'nats:localhost:1',
      '--application',
      'a',
      ...alice,
    );
    expect(nats).toMatchObject({ code: 2, err: expect.stringContaining('--keys is missing') });
  });
});
