import { describe, expect, it } from 'vitest';
import { usePostgres } from './place.ts';

const place = usePostgres();

/** Names that a text of PostgreSQL can't hold, an index can't take, or that could be taken for another. */
const odd = [
  'a\0b',
  'a\0c',
  'half \ud83d',
  'other half \ude00',
  '\\',
  `\\${'0'.repeat(64)}`,
  '{"json":"\\u0000"}',
  '%_"\'; DROP TABLE queue; --',
  'ä'.repeat(1_024),
  '𝒳'.repeat(512),
  '𝒳'.repeat(511),
  ' ',
  'NULL',
];

describe('names on the PostgreSQL engine', () => {
  it('may be any text: ids, partitions and order keys come back as they were', async () => {
    const schema = place.newSchema();
    const { queue } = await place.open(schema);
    for (const [position, name] of odd.entries()) {
      const item = { id: name, partition: name, priority: 1, position, orderKey: name };
      expect(await queue.enqueue(item)).toBe(true);
      expect(await queue.enqueue(item)).toBe(false);
    }
    const partitions = (await queue.backlog()).map(({ partition }) => partition);
    expect(partitions.toSorted()).toEqual(odd.toSorted());
    for (const [position, name] of odd.entries()) {
      expect(await queue.holdsOrderKey(name)).toBe(true);
      const [claim, ...more] = await queue.claim({ partition: name, limit: 9, leaseMs: 9_000, holder: name });
      expect(more).toEqual([]);
      expect(claim).toMatchObject({ id: name, partition: name, position, orderKey: name });
      expect(await queue.settle(name, claim?.token ?? 0)).toBe(true);
      expect(await queue.holdsOrderKey(name)).toBe(false);
      expect(await queue.enqueue({ id: name, partition: name, priority: 1, position })).toBe(false);
    }
    expect(await queue.backlog()).toEqual([]);
  });

  it('of applications and groups keep ledgers apart', async () => {
    const schema = place.newSchema();
    const clock = (await import('../../../../packages/middleware/src/clock.ts')).systemClock;
    const engine = place.newEngine(schema);
    const opened = await Promise.all(
      odd.map((name) => engine.open({ application: name, group: name, clock })),
    );
    await Promise.all(opened.map(({ log }, index) => log.append([Uint8Array.of(index)])));
    for (const [index, { log, close }] of opened.entries()) {
      expect(await log.read(0, 10)).toEqual([Uint8Array.of(index)]);
      await close();
    }
  });
});
