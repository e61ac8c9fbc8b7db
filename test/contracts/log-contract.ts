import { describe, expect, it } from 'vitest';
import { bytes, type MakeEngineUnderTest, texts, withEngineOf, withSecond } from './engine-under-test.ts';

/** What log.ts states, tried. */
export function logContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('log', () => {
    it(
      'is empty at first, and gives positions from 0 without gaps',
      withEngine(async ({ log }) => {
        expect(await log.size()).toBe(0);
        expect(await log.read(0, 10)).toEqual([]);
        expect(await log.append([bytes('a'), bytes('b')])).toEqual({ first: 0 });
        expect(await log.append([bytes('c')])).toEqual({ first: 2 });
        expect(await log.size()).toBe(3);
        expect(texts(await log.read(0, 10))).toEqual(['a', 'b', 'c']);
      }),
    );

    it(
      'reads from any position, at most as many as asked for, and nothing beyond the end',
      withEngine(async ({ log }) => {
        await log.append(['a', 'b', 'c', 'd'].map(bytes));
        expect(texts(await log.read(1, 2))).toEqual(['b', 'c']);
        expect(texts(await log.read(3, 10_000))).toEqual(['d']);
        expect(await log.read(4, 1)).toEqual([]);
        expect(await log.read(1_000_000, 1)).toEqual([]);
      }),
    );

    it(
      'takes one caller’s batches in the order of the calls, though nobody waits in between',
      withEngine(async ({ log }) => {
        const appended = await Promise.all(
          Array.from({ length: 300 }, (_, index) => log.append([bytes(`${index}`), bytes(`${index}+`)])),
        );
        expect(appended.map(({ first }) => first)).toEqual(
          Array.from({ length: 300 }, (_, index) => 2 * index),
        );
        const expected = Array.from({ length: 300 }, (_, index) => [`${index}`, `${index}+`]).flat();
        expect(texts(await log.read(0, 1_000))).toEqual(expected);
      }),
    );

    it(
      'gives two processes that append at once each its own positions, batches never torn',
      withEngine(async (engine, under) => {
        await withSecond(under, async (second) => {
          const batches = await Promise.all(
            [engine, second].flatMap(({ log }, who) =>
              Array.from({ length: 40 }, async (_, turn) => {
                const batch = [0, 1, 2].map((part) => `${who}/${turn}/${part}`);
                return { batch, ...(await log.append(batch.map(bytes))) };
              }),
            ),
          );
          const all = texts(await engine.log.read(0, 1_000));
          expect(all.length).toBe(240);
          for (const { batch, first } of batches) expect(all.slice(first, first + 3)).toEqual(batch);
        });
      }),
    );

    it(
      'shows an append that has resolved to other processes at once',
      withEngine(async (engine, under) => {
        await withSecond(under, async (second) => {
          for (let round = 0; round < 20; round += 1) {
            await engine.log.append([bytes(`${round}`)]);
            expect(await second.log.size()).toBe(round + 1);
            expect(texts(await second.log.read(round, 1))).toEqual([`${round}`]);
          }
        });
      }),
    );

    it(
      'keeps entries of any bytes and of every size from empty to 65,535, and batches of 1,000',
      withEngine(async ({ log }) => {
        const sizes = [0, 1, 127, 128, 4_095, 4_096, 4_097, 65_535];
        const any = [
          Uint8Array.from({ length: 256 }, (_, index) => index),
          Uint8Array.of(0),
          Uint8Array.of(255, 0),
        ];
        const none = new Uint8Array(0);
        const entries = [...sizes.map((size) => new Uint8Array(size).fill(size % 251)), ...any, none, none];
        await log.append(entries);
        expect(await log.read(0, 20)).toEqual(entries);
        expect(await log.read(entries.length - 2, 2)).toEqual([none, none]);
        const many = Array.from({ length: 1_000 }, (_, index) => bytes(`${index}`));
        expect(await log.append(many)).toEqual({ first: entries.length });
        expect(texts(await log.read(entries.length, 1_000))).toEqual(texts(many));
      }),
    );

    it(
      'keeps what the bytes were at the call, whatever the caller does to them afterwards',
      withEngine(async ({ log }) => {
        const entry = bytes('as called');
        const appended = log.append([entry]);
        entry.fill(0);
        await appended;
        expect(texts(await log.read(0, 1))).toEqual(['as called']);
      }),
    );

    it(
      'gives long stretches in pieces that one can go on from to the end',
      withEngine(async ({ log }) => {
        const large = new Uint8Array(65_535).fill(7);
        for (let round = 0; round < 50; round += 1) {
          await Promise.all([1, 2].map(() => log.append(Array.from({ length: 8 }, () => large))));
        }
        let read = 0;
        for (let piece = await log.read(0, 10_000); piece.length > 0; piece = await log.read(read, 10_000)) {
          for (const entry of piece) if (entry.byteLength !== 65_535) throw new Error('a torn entry');
          read += piece.length;
        }
        expect(read).toBe(800);
      }),
    );

    it(
      'refuses batches and ranges outside its bounds, and changes nothing',
      withEngine(async ({ log }) => {
        await expect(log.append([])).rejects.toThrow(RangeError);
        await expect(log.append(Array.from({ length: 1_001 }, () => bytes('x')))).rejects.toThrow(RangeError);
        await expect(log.append([bytes('x'), new Uint8Array(65_536)])).rejects.toThrow(RangeError);
        await expect(log.append(Array.from({ length: 9 }, () => new Uint8Array(65_535)))).rejects.toThrow(
          RangeError,
        );
        await expect(log.read(-1, 1)).rejects.toThrow(RangeError);
        await expect(log.read(0.5, 1)).rejects.toThrow(RangeError);
        await expect(log.read(0, 0)).rejects.toThrow(RangeError);
        await expect(log.read(0, 10_001)).rejects.toThrow(RangeError);
        expect(await log.size()).toBe(0);
      }),
    );
  });
}
