import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { type DeferralResource, isDeferralResource } from '@slackwater/shared';
import { afterAll, beforeAll, expect, it } from 'vitest';

const program = fileURLToPath(new URL('children/operation-http-host.ts', import.meta.url));
let directory: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-operations-http-killed-'));
});

afterAll(async () => {
  await Promise.all(children.map(kill));
  await rm(directory, { recursive: true, force: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

interface Host {
  readonly child: ChildProcess;
  readonly base: string;
  /** Resolves when it has said a word; rejects where it ends before. */
  said(word: string): Promise<void>;
}

async function host(environment: NodeJS.ProcessEnv): Promise<Host> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, DIRECTORY: directory, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const words: string[] = [];
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  lines.on('line', (line) => words.push(line));
  const gone = once(child, 'exit').then(() => {
    throw new Error(`the host ended, and said ${JSON.stringify(words)}`);
  });
  // Only who waits for a word minds.
  gone.catch(() => {});
  const said = async (is: (word: string) => boolean): Promise<string> => {
    for (;;) {
      const word = words.find(is);
      if (word !== undefined) return word;
      await Promise.race([once(lines, 'line'), gone]);
    }
  };
  const port = (await said((word) => word.startsWith('port '))).slice(5);
  return {
    child,
    base: `http://127.0.0.1:${port}`,
    said: async (word) => void (await said((one) => one === word)),
  };
}

async function post(base: string, path: string, traveller: string, headers = {}): Promise<Response> {
  return fetch(new URL(path, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ traveller }),
  });
}

async function resource(response: Response): Promise<DeferralResource> {
  const body: unknown = await response.json();
  if (!isDeferralResource(body)) throw new Error(`no deferral resource: ${JSON.stringify(body)}`);
  return body;
}

async function settled(base: string, id: string): Promise<DeferralResource> {
  for (;;) {
    const headers = { prefer: 'wait=30' };
    const found = await resource(await fetch(new URL(`/slackwater/deferrals/${id}`, base), { headers }));
    if (found.phase === 'settled') return found;
  }
}

it('keeps what it promised by a 202 however its processes are killed: each deferral is settled once, as its operation is (T-54)', async () => {
  // Right after the 202; of another request, between its run and any deferral of it.
  const first = await host({ HANG: '1', DEFINE: '1' });
  const asked = await post(first.base, '/trips', 'ann', { prefer: 'wait=0' });
  const keyed = { 'idempotency-key': '"one trip"' };
  const unheard = post(first.base, '/operations/stored', 'bob', { ...keyed, prefer: 'wait=60' }).catch(
    () => 'cut off',
  );
  await first.said('task stored bob');
  await kill(first.child);
  expect(asked.status).toBe(202);
  expect(await unheard).toBe('cut off');
  const deferral = await resource(asked);

  // The ledger has the operation's end, and nobody looked at the deferral since; then its answer was made, and is not recorded.
  for (const KILL of ['settled', 'answer']) {
    const { child } = await host({ KILL });
    if (child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
  }

  const last = await host({});
  expect(await settled(last.base, deferral.id)).toMatchObject({
    status: 'Succeeded',
    operation: { id: deferral.operation?.id, status: 'succeeded' },
  });
  const outcome = await fetch(new URL(deferral.resourceLocation, last.base));
  expect([outcome.status, await outcome.json()]).toEqual([201, { flight: 'SW 1 for ann' }]);
  // A definition that this process never stored; the caller who heard nothing finds its run by its key.
  const again = await post(last.base, '/operations/stored', 'bob', { ...keyed, prefer: 'wait=60' });
  const answers = [
    await again.json(),
    await (await post(last.base, '/operations/stored', 'bob', keyed)).json(),
  ];
  expect(answers[0]).toMatchObject({ operation: 'stored', outputs: { flight: 'SW 1 for bob' } });
  expect(answers[1]).toEqual(answers[0]);
  await kill(last.child);

  const gate = slackwater({ application: 'travel', engine: sqliteEngine({ directory }) });
  const entries = await gate.audit.entries(deferral.id);
  const types = entries.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString('utf8')).type);
  expect(types.filter((type) => type === 'performed')).toEqual(['performed']);
  expect(await gate.audit.verify()).toMatchObject({ ok: true, lives: { accepted: 1 } });
  await gate.close();
});
