import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { scope, texts } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

const rounds = 6;
const writersPerRound = 2;
const shortestLifeMs = 20;
const longestLifeMs = 400;

interface Child {
  readonly process: ChildProcess;
  readonly lines: string[];
  readonly errors: string[];
  /** Resolves when it has said its first line; rejects where it ends before. */
  readonly begun: Promise<void>;
  /** Resolves with the exit code and signal when it has ended and everything that it said was read. */
  readonly ended: Promise<unknown[]>;
}

function start(script: string, ...args: readonly string[]): Child {
  const path = fileURLToPath(new URL(`./children/${script}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const begun = new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      resolve();
    });
    child.once('close', () => reject(new Error(`ended without a word: ${errors.join('')}`)));
  });
  begun.catch(() => undefined);
  return { process: child, lines, errors, begun, ended: once(child, 'close') };
}

const lifeMs = (): number => shortestLifeMs + Math.random() * (longestLifeMs - shortestLifeMs);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function liveAndDie(directory: string, who: string): Promise<string[]> {
  const child = start('writer.ts', directory, who);
  await child.begun;
  await sleep(lifeMs());
  child.process.kill('SIGKILL');
  const [, signal] = await child.ended;
  expect(signal, child.errors.join('')).toBe('SIGKILL');
  // The last line may be cut off by the kill, and then it was not said.
  return child.lines.filter((line) => /^(append \S+ \d+|put \S+|enqueue \S+)$/.test(line));
}

async function wholeLog({ log }: OpenEngine): Promise<string[]> {
  const all: string[] = [];
  for (let piece = await log.read(0, 10_000); piece.length > 0; piece = await log.read(all.length, 10_000)) {
    all.push(...texts(piece));
  }
  expect(all.length).toBe(await log.size());
  return all;
}

async function checkSaid(engine: OpenEngine, said: readonly string[]): Promise<void> {
  const log = await wholeLog(engine);
  for (let at = 0; at < log.length; at += 2) expect(log[at + 1], 'a torn batch').toBe(`${log[at]}+`);
  await Promise.all(
    said.map(async (line) => {
      const [what, name = '', first] = line.split(' ');
      if (what === 'append') expect(log[Number(first)], line).toBe(name);
      else if (what === 'put')
        expect(texts([(await engine.store.get(name))?.value ?? new Uint8Array()])).toEqual([name]);
      else
        expect(await engine.queue.enqueue({ id: name, partition: 'p', priority: 1, position: 0 }), line).toBe(
          false,
        );
    }),
  );
}

describe('embedded engine in several processes', () => {
  it('has everything that it acknowledged after kill -9 at any instant, two processes writing one file', async () => {
    const { directory, dispose } = await makePlace();
    try {
      const said: string[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const names = Array.from({ length: writersPerRound }, (_, index) => `r${round}w${index}`);
        said.push(...(await Promise.all(names.map((who) => liveAndDie(directory, who)))).flat());
        const engine = await sqliteEngine({ directory }).open({ ...scope, clock: systemClock });
        try {
          await checkSaid(engine, said);
          const keys = await engine.keyFile(() => {
            throw new Error('the key file is gone');
          });
          expect(texts([keys])[0]).toMatch(/^{"made by":"r0w\d"}$/);
        } finally {
          await engine.close();
        }
      }
      expect(said.filter((line) => line.startsWith('append')).length).toBeGreaterThan(100);
      expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    } finally {
      await dispose();
    }
  }, 120_000);

  it('lets a process end that has closed nothing, and not before its last write is durable', async () => {
    const { directory, dispose } = await makePlace();
    try {
      const child = start('leaver.ts', directory);
      const [code] = await child.ended;
      expect({ code, errors: child.errors }).toEqual({ code: 0, errors: [] });
      const engine = await sqliteEngine({ directory }).open({ ...scope, clock: systemClock });
      expect(await engine.log.size()).toBe(100);
      await engine.close();
    } finally {
      await dispose();
    }
  });
});
