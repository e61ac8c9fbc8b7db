import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { texts } from '../../../contracts/engine-under-test.ts';
import { usePostgres } from './place.ts';

const place = usePostgres();
const program = fileURLToPath(new URL('children/writer.ts', import.meta.url));
const rounds = 4;
const longestLifeMs = 500;

interface Writer {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** Resolves when it said something that it had not said by now. */
  next(): Promise<void>;
  /** Resolves when it has ended and all that it said was read. */
  readonly ended: Promise<unknown>;
}

async function startWriter(schema: string, who: string): Promise<Writer> {
  const child = spawn(process.execPath, [program, place.server.connectionString, schema, who], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  const next = async (): Promise<void> => {
    await once(reader, 'line', { signal: AbortSignal.timeout(30_000) });
  };
  await next();
  return { process: child, lines, next, ended: once(child, 'close') };
}

async function kill(writer: Writer): Promise<string[]> {
  writer.process.kill('SIGKILL');
  await writer.ended;
  return writer.lines;
}

async function wholeLog({ log }: OpenEngine): Promise<string[]> {
  const all: string[] = [];
  for (let piece = await log.read(0, 10_000); piece.length > 0; piece = await log.read(all.length, 10_000)) {
    all.push(...texts(piece));
  }
  expect(all.length).toBe(await log.size());
  return all;
}

async function checkSaid(engine: OpenEngine, schema: string, said: readonly string[]): Promise<void> {
  const log = await wholeLog(engine);
  for (let at = 0; at < log.length; at += 2) expect(log[at + 1], 'a torn batch').toBe(`${log[at]}+`);
  expect(new Set(log).size, 'an entry that is there twice').toBe(log.length);
  const queued = new Set((await place.sql(`SELECT id FROM ${schema}.queue`)).map(({ id }) => id));
  for (const line of said) {
    const [what, name = '', first] = line.split(' ');
    if (what === 'append') expect(log[Number(first)], line).toBe(name);
    if (what === 'enqueue') expect(queued.has(name), line).toBe(true);
    if (what === 'trouble' && name === 'none') expect(log, line).not.toContain(first);
  }
  const [backlog] = await engine.queue.backlog();
  expect(backlog?.items ?? 0).toBe(queued.size);
  await checkLines(schema);
}

/** Of each order key the first stands in front of the others, and nobody else. */
async function checkLines(schema: string): Promise<void> {
  const wrong = await place.sql(`
    SELECT id FROM (
      SELECT id, state, row_number() OVER (PARTITION BY order_key ORDER BY position, id) AS place FROM ${schema}.queue
    ) AS line WHERE (place = 1) = (state = 'blocked')`);
  expect(wrong).toEqual([]);
}

describe('hosts and server that die while they write', () => {
  it('have everything that was acknowledged, whole, once, and counted right: hosts by kill -9', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema);
    const said: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const writers = await Promise.all(['a', 'b'].map((who) => startWriter(schema, `${round}${who}`)));
      const lives = writers.map(async (writer) => {
        await sleep(Math.random() * longestLifeMs);
        return await kill(writer);
      });
      said.push(...(await Promise.all(lives)).flat());
      await checkSaid(engine, schema, said);
    }
    expect(said.filter((line) => line.startsWith('append')).length).toBeGreaterThan(50);
  });

  it('the same, where it is the server that is killed; the hosts go on when it is back', async () => {
    const schema = place.newSchema();
    await place.open(schema);
    const writers = await Promise.all(['a', 'b'].map((who) => startWriter(schema, who)));
    for (let round = 0; round < 2; round += 1) {
      await sleep(Math.random() * longestLifeMs);
      await place.server.kill();
      await place.server.restart();
      for (const writer of writers) {
        const before = writer.lines.length;
        while (!writer.lines.slice(before).some((line) => line.startsWith('append'))) await writer.next();
      }
    }
    const said = (await Promise.all(writers.map(kill))).flat();
    await checkSaid(await place.open(schema), schema, said);
  });

  it('let others go on while one is stopped in the middle, and it finds its way when it is woken', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema);
    const writer = await startWriter(schema, 'stopped');
    for (let round = 0; round < 5; round += 1) {
      await writer.next();
      writer.process.kill('SIGSTOP');
      // Whatever it held on the server is let go in time.
      await engine.log.append(
        [`awake ${round}`, `awake ${round}+`].map((text) => new TextEncoder().encode(text)),
      );
      await engine.queue.enqueue({
        id: `awake ${round}`,
        partition: 'p',
        priority: 1,
        position: round,
        orderKey: 'k0',
      });
      writer.process.kill('SIGCONT');
      const before = writer.lines.length;
      while (!writer.lines.slice(before).some((line) => line.startsWith('append'))) await writer.next();
    }
    await checkSaid(engine, schema, await kill(writer));
  });
});
