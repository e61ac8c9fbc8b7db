import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('children/operation-host.ts', import.meta.url));
let directory: string;
let children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-killed-'));
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  children = [];
  await rm(directory, { recursive: true, force: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Starts a host and waits until it has said a word. Resolves with all that it said by then. */
async function host(until: string, environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, DIRECTORY: directory, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let said = '';
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk);
    const words = said.split('\n').slice(0, -1);
    if (words.includes(until)) {
      await kill(child);
      return words;
    }
  }
  throw new Error(`the host ended, and said ${JSON.stringify(said)}`);
}

describe('an operation whose process is killed', () => {
  it('goes on forward, then backward, from what the ledger has, each in another process (T-54)', async () => {
    expect(await host('hotel', { START: '1', HANG: 'hotel' })).toEqual(['flight', 'hotel']);
    // Forward: what is known to be done is not done again; what nobody heard the end of is.
    expect(await host('undo hotel', { HANG: 'undo hotel' })).toEqual(['hotel', 'tour', 'undo hotel']);
    expect(await host('settled', {})).toEqual(['undo hotel', 'undo flight', 'settled']);
    const gate = slackwater({
      application: 'travel',
      engine: sqliteEngine({ directory }),
      ledger: { engineTimeoutMs: 30_000 },
    });
    expect(await gate.audit.verify()).toMatchObject({ ok: true, lives: { accepted: 0 } });
    // Operations are none of the deferrals that auditors list.
    expect(await gate.audit.deferrals()).toMatchObject({ deferrals: [] });
    await gate.close();
  });
});
