import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { systemClock as clock } from '../../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';

const directory = mkdtempSync(join(tmpdir(), 'slackwater-turns-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts turns of the event loop until it is told to stop. */
function countTurns(): { readonly now: () => number; readonly stop: () => void } {
  let count = 0;
  let isOver = false;
  const next = (): void => {
    count += 1;
    if (!isOver) setImmediate(next);
  };
  next();
  return {
    now: () => count,
    stop: () => {
      isOver = true;
    },
  };
}

function holdUpFor(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

it('answers that came at once are given one batch in a turn of the event loop', async () => {
  const engine = await sqliteEngine({ directory }).open({ application: 'shop', group: 'main', clock });
  for (let n = 0; n < 8; n += 1) {
    await engine.log.append(Array.from({ length: 1_000 }, () => new Uint8Array(400)));
  }
  const turns = countTurns();
  const answered = async (work: Promise<unknown>): Promise<number> => work.then(turns.now);
  // Long enough for the other to be sent before it is answered.
  const first = answered(engine.log.read(0, 8_000));
  await turn();
  const second = answered(engine.log.size());
  await turn();
  holdUpFor(500);
  const [a, b] = await Promise.all([first, second]);
  turns.stop();
  expect(b).toBeGreaterThan(a);
  await engine.close();
});
