import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { verifyReceipt } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ed25519Verify } from '../../../packages/middleware/src/ledger/signer.ts';
import { type Bench, ledgerBench } from './ledgers.ts';

const child = fileURLToPath(new URL('crash-child.ts', import.meta.url));
const kills = 5;

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

interface Running {
  readonly process: ChildProcess;
  /** Ids whose acceptance was answered, whole lines only. */
  acknowledged(): string[];
  ended(): Promise<number | null>;
}

function start(...options: string[]): Running {
  const running = spawn(process.execPath, ['--no-warnings', child, bench.directory, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let complaint = '';
  running.stdout.on('data', (data) => {
    said += data;
  });
  running.stderr.on('data', (data) => {
    complaint += data;
  });
  const closed = once(running, 'close');
  return {
    process: running,
    acknowledged: () => said.split('\n').slice(0, -1),
    async ended() {
      const [code] = await closed;
      if (complaint !== '') throw new Error(complaint);
      return code as number | null;
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('kill -9', () => {
  it('straight after the answer never loses a record: it is found, verified and queued (B-06)', async () => {
    const acknowledged: string[] = [];
    for (let i = 0; i < kills; i++) {
      const running = start('8');
      const enough = 20 + Math.floor(Math.random() * 200);
      await Promise.race([until(() => running.acknowledged().length >= enough), running.ended()]);
      running.process.kill('SIGKILL');
      await running.ended();
      acknowledged.push(...running.acknowledged());
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(kills * 20);
    const { ledger, engine } = await bench.open();
    await ledger.recover();
    const size = await engine.log.size();
    expect(bench.verifyBytes(ledger.verifierKey, await ledger.checkpoint())).toMatchObject({
      ok: true,
      size,
    });
    expect((await engine.queue.backlog()).reduce((sum, { items }) => sum + items, 0)).toBe(size);
    for (const id of acknowledged) {
      expect(await ledger.find(id)).toMatchObject({ id, phase: 'queued' });
    }
    for (const id of acknowledged.slice(-50)) {
      await ledger.request(id);
      const { entry, receipt } = await ledger.proof(id);
      verifyReceipt(receipt, { entry, verifierKeys: [ledger.verifierKey] }, { ed25519Verify });
    }
  }, 120_000);
});

describe('two processes on one ledger', () => {
  it('seal at once and never fork', async () => {
    const running = [start('16', '400'), start('16', '400')];
    const { ledger } = await bench.open();
    const heads: string[] = [];
    await Promise.all([
      ...running.map((one) => one.ended().then((code) => expect(code).toBe(0))),
      (async () => {
        while (running.some((one) => one.process.exitCode === null)) {
          heads.push(await ledger.checkpoint());
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      })(),
    ]);
    const ids = running.flatMap((one) => one.acknowledged());
    expect(new Set(ids).size).toBe(800);
    // Every head that anybody saw is a prefix of what there is now.
    for (const head of new Set(heads)) {
      expect(bench.verifyBytes(ledger.verifierKey, head)).toMatchObject({ ok: true, size: 800 });
    }
    for (const id of ids.slice(0, 100)) await ledger.proof(id);
  }, 120_000);
});
