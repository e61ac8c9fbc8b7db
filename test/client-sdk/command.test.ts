import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runClientCommand } from '../../packages/client-sdk/src/node/cli/run.ts';
import { type DeferringApp, deferringApp } from './support/deferring-app.ts';
import { json, serve } from './support/http-server.ts';

let app: DeferringApp;
let directory: string;
let keys: readonly string[];

beforeAll(async () => {
  app = await deferringApp();
  directory = mkdtempSync(join(tmpdir(), 'slackwater-command-'));
  keys = ['--verifier-key', await app.gate.ledger.verifierKey(), '--receipts', directory];
});
afterAll(async () => {
  await app.close();
  rmSync(directory, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], stdin = '', more: { signal?: AbortSignal } = {}): Promise<Ran> {
  const written = { out: '', err: '' };
  const code = await runClientCommand(args, {
    stdin: (async function* () {
      yield stdin;
    })(),
    stdout: {
      write(text) {
        written.out += Buffer.from(text).toString();
      },
    },
    stderr: {
      write(text) {
        written.err += text;
      },
    },
    environment: { SLACKWATER_TOKEN: 'secret' },
    signal: new AbortController().signal,
    ...more,
  });
  return { code, ...written };
}

const orders = (): string => `${app.origin}/orders`;

describe('slackwater-client', () => {
  it('calls, and prints the outcome of what was deferred; verifies it afterwards', async () => {
    const file = join(directory, 'body.json');
    writeFileSync(file, '{"sku":"typed"}');
    const ran = await run(['call', 'POST', orders(), '--data', `@${file}`, '--verbose', ...keys]);
    expect([ran.code, JSON.parse(ran.out)]).toEqual([0, expect.objectContaining({ sku: 'typed' })]);
    expect(ran.err).toMatch(/attempt done .*\n(.*\n)*201\n$/);
    const [id = ''] = /01[0-9A-Z]{24}/.exec(ran.err) ?? [];
    const verified = await run(['verify', id, '--base', app.origin, ...keys]);
    expect(JSON.parse(verified.out)).toMatchObject({ isOwn: true, outcome: 'matches' });
    const other = ['--verifier-key', 'shop/main+00000000+AAAA'];
    expect((await run(['verify', id, '--base', app.origin, ...other])).code).not.toBe(0);
    const unusable = ['--verifier-key', keys[1] ?? '', '--receipts', file];
    const unproven = await run(['verify', id, '--base', app.origin, ...unusable]);
    expect([unproven.code, unproven.err]).toEqual([1, expect.stringMatching(/receipt store failed to get/)]);
  });

  it('begins, and resumes in another run by what it printed', async () => {
    const begun = await run([
      'call',
      'POST',
      orders(),
      '--data',
      '{"sku":"later"}',
      '--begin',
      '--key',
      'k-1',
    ]);
    expect(begun.code).toBe(0);
    const again = await run([
      'call',
      'POST',
      orders(),
      '--data',
      '{"sku":"later"}',
      '--begin',
      '--key',
      'k-1',
    ]);
    expect(JSON.parse(again.out).id).toBe(JSON.parse(begun.out).id);
    const resumed = await run(['resume', '-'], begun.out);
    expect([resumed.code, JSON.parse(resumed.out)]).toEqual([0, expect.objectContaining({ sku: 'later' })]);
    expect(resumed.err).toContain('Succeeded (settled)\n');
    expect(app.done.filter((sku) => sku === 'later')).toHaveLength(1);
    const { statusUrl } = JSON.parse(begun.out);
    expect((await run(['wait', statusUrl])).code).toBe(0);
  });

  it('ends unfinished at the deadline and when it is interrupted, and says how to go on', async () => {
    app.hold();
    const ran = await run(['call', 'POST', orders(), '--data', '{"sku":"held"}', '--deadline', '0.3']);
    expect(ran.code).toBe(4);
    const [, token = ''] = /resume '(.*)'/.exec(ran.err) ?? [];
    const interrupted = await run(['resume', token], '', { signal: AbortSignal.timeout(100) });
    expect(interrupted.code).toBe(4);
    app.release();
    expect((await run(['resume', token])).code).toBe(0);
  });

  it('prints an answer that is an error, and ends with 1', async () => {
    const ran = await run(['call', 'POST', orders(), '--data', '{"sku":"bad"}']);
    expect(ran).toMatchObject({ code: 1, out: '{"bad":true}' });
    expect(ran.err).toContain('422');
    expect((await run(['wait', '01JQ0000000000000000000001', '--base', app.origin])).code).toBe(1);
  });

  it('lists deferrals as lines of JSON, with the token of the environment', async () => {
    const server = await serve((_seen, response) =>
      json(response, 200, { deferrals: [{ id: 'a' }, { id: 'b' }] }),
    );
    const ran = await run([
      'audit',
      '--base',
      server.origin,
      '--filter',
      'status=Failed',
      '--header',
      'X-A: b',
    ]);
    expect(ran).toMatchObject({ code: 0, out: '{"id":"a"}\n{"id":"b"}\n' });
    expect(server.seen[0]).toMatchObject({
      url: '/slackwater/deferrals?status=Failed',
      headers: { authorization: 'Bearer secret', 'x-a': 'b' },
    });
  });

  it.each([
    [[], 2],
    [['--help'], 0],
    [['fetch'], 2],
    [['constructor'], 2],
    [['call'], 2],
    [['call', 'POST', 'nowhere'], 2],
    [['call', 'POST', 'http://x', '--deadline', 'soon'], 2],
    [['call', 'POST', 'http://x', '--header', 'none'], 2],
    [['call', 'POST', 'http://x', '--key', 'schlüssel'], 2],
    [['audit'], 2],
    [['audit', '--base', 'http://x', '--filter', 'x'], 2],
    [['verify', 'x', '--base', 'http://x'], 2],
    [['wait', 'nonsense', '--base', 'http://x'], 2],
    [['--unknown'], 2],
  ])('reads %j with exit code %d', async (args, code) => {
    const ran = await run(args);
    expect(ran.code).toBe(code);
    if (code === 0) expect(ran.out).toContain('--verifier-key');
    else if (args.length > 0) expect(ran.err).not.toBe('');
  });
});
