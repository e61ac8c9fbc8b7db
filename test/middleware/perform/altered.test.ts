import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { leafHash } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Place, place, type Workshop } from './workshop.ts';

let here: Place;
beforeEach(() => {
  here = place();
});
afterEach(() => here.remove());

/** The bytes of something on disk, and how they are replaced; behind the engine's back. */
interface OnDisk {
  read(): Buffer;
  write(bytes: Uint8Array): void;
}

function withFile<T>(work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(here.directory, 'slackwater.db'), { timeout: 30_000 });
  try {
    database.exec('PRAGMA busy_timeout = 30000');
    return work(database);
  } finally {
    database.close();
  }
}

function stored(table: 'log_1' | 'store_1', key: string | number): OnDisk {
  const [value, name] = table === 'log_1' ? ['entry', 'position'] : ['value', 'key'];
  return {
    read: () =>
      withFile((database) => {
        const row = database.prepare(`SELECT ${value} AS bytes FROM ${table} WHERE ${name} = ?`).get(key);
        return Buffer.from(row?.['bytes'] as Uint8Array);
      }),
    write: (bytes) =>
      withFile((database) => {
        const sql = `UPDATE ${table} SET ${value} = ? WHERE ${name} = ?`;
        expect(database.prepare(sql).run(bytes, key).changes).toBe(1);
      }),
  };
}

const entryAt = (position: number): OnDisk => stored('log_1', position);
const blockAt = (height: number): OnDisk => stored('store_1', `blocks/${String(height).padStart(12, '0')}`);

/** Replaces one text by another. */
function reword({ read, write }: OnDisk, from: string, to: string): Buffer {
  const before = read().toString('latin1');
  expect(before).toContain(from);
  const altered = Buffer.from(before.replace(from, to), 'latin1');
  write(altered);
  return altered;
}

function flip({ read, write }: OnDisk): Buffer {
  const bytes = read();
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  write(bytes);
  return bytes;
}

interface Opened {
  readonly shop: Workshop;
  readonly performed: string[];
}

async function open(): Promise<Opened> {
  const shop = await here.open();
  const performed: string[] = [];
  shop.app.post('/:name', (req, res) => {
    performed.push(req.params.name);
    res.status(201).end();
  });
  return { shop, performed };
}

/** Three deferrals, each in a block of its own; the second is to be altered. */
async function accepted(shop: Workshop): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const name of ['/first', '/second', '/third']) ids.push((await shop.accept(name)).id);
  return ids;
}

/** Alters what belongs to the second one; gives where that is on disk, and its bytes from then on. */
type Alter = (id: string) => readonly [OnDisk, Buffer];

const alterations: readonly (readonly [what: string, alter: Alter, message: string])[] = [
  [
    'entry names another partition',
    () => [entryAt(1), reword(entryAt(1), '"partition":"orders"', '"partition":"Orders"')],
    'entry 1 of the log',
  ],
  ['block can not be read', () => [blockAt(1), flip(blockAt(1))], 'block 1'],
  [
    'block says another time',
    () => [blockAt(1), reword(blockAt(1), '"sealedAt":"2', '"sealedAt":"1')],
    'block 1',
  ],
  [
    'block is that of the entry before',
    () => {
      const other = blockAt(0).read();
      blockAt(1).write(other);
      return [blockAt(1), other];
    },
    'block 1',
  ],
  [
    'payload is altered',
    (id) => [stored('store_1', `payload/${id}`), flip(stored('store_1', `payload/${id}`))],
    'its bytes were changed',
  ],
];

describe('a deferral', () => {
  it.each(alterations)(
    'whose %s on disk is refused while the gate runs, told of, never performed and never repaired (T-55)',
    async (_what, alter, message) => {
      const { shop, performed } = await open();
      const [, second = ''] = await accepted(shop);
      const [place, altered] = alter(second);
      shop.performer.start();
      expect(await shop.ended(second)).toMatchObject({
        phase: 'parked',
        error: { code: 'record-corrupt', message: expect.stringContaining(message) },
      });
      await shop.until(() => performed.length === 2);
      expect(performed.sort()).toEqual(['first', 'third']);
      expect(shop.events).toContainEqual(
        expect.objectContaining({
          type: 'parked',
          id: second,
          error: expect.objectContaining({ code: 'record-corrupt' }),
        }),
      );
      expect(place.read()).toEqual(altered);
    },
  );

  it.each(alterations)(
    'whose %s on disk is refused after a restart, and never performed or repaired',
    async (what, alter) => {
      const before = await open();
      const [, second = ''] = await accepted(before.shop);
      await before.shop.close();
      const [place, altered] = alter(second);
      if (what.startsWith('entry')) {
        // The log does not have the root that the last block signs: nothing at all is performed from it.
        await expect(here.open()).rejects.toMatchObject({ code: 'ledger-corrupt' });
      } else {
        const { shop, performed } = await open();
        await shop.ledger.recover();
        shop.performer.start();
        expect(await shop.ended(second)).toMatchObject({
          phase: 'parked',
          error: { code: 'record-corrupt' },
        });
        await shop.until(() => performed.length === 2);
        expect(performed.sort()).toEqual(['first', 'third']);
      }
      expect(place.read()).toEqual(altered);
    },
  );

  it('is refused where entry and state were altered alike, and the stored tile as well', async () => {
    const { shop, performed } = await open();
    const [, second = ''] = await accepted(shop);
    await Promise.all(
      Array.from({ length: 260 }, (_, i) => shop.ledger.proof(second).then(() => shop.accept(`/filler${i}`))),
    );
    const tile = stored('store_1', 'tile/0/000');
    const altered = reword(entryAt(1), '"workType":"settle"', '"workType":"settlf"');
    const rows = tile.read();
    Buffer.from(leafHash(altered)).copy(rows, 32);
    tile.write(rows);
    reword(stored('store_1', `deferral/${second}`), '"workType":"settle"', '"workType":"settlf"');
    await expect(shop.ledger.readRequest(second)).rejects.toMatchObject({ code: 'record-corrupt' });
    expect(await shop.ledger.verify()).toMatchObject({ ok: false });
    await shop.close();
    // Nor does a process perform it that has nothing but the disk.
    const again = await open();
    await again.shop.ledger.recover();
    again.shop.performer.start();
    expect(await again.shop.ended(second)).toMatchObject({
      phase: 'parked',
      error: { code: 'record-corrupt' },
    });
    expect(await again.shop.ledger.verify()).toMatchObject({ ok: false });
    expect([...performed, ...again.performed]).not.toContain('second');
    expect(entryAt(1).read()).toEqual(altered);
  });
});
