import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBlock, parseCheckpoint } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import { blockKey, linkOf, makeBlock } from '../../../packages/middleware/src/ledger/block.ts';
import {
  createKeyFile,
  type LedgerKeys,
  parseKeyFile,
} from '../../../packages/middleware/src/ledger/keys.ts';
import { openSigner } from '../../../packages/middleware/src/ledger/signer.ts';
import { acceptanceOf, accepted, type Bench, inTwo, ledgerBench, type OpenedLedger } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

async function ownKeys(): Promise<LedgerKeys> {
  const name = (await readdir(bench.directory)).find((candidate) => candidate.startsWith('keys-'));
  return parseKeyFile(await readFile(join(bench.directory, name ?? '')));
}

/** Puts a block for two more entries at the next height, as another process could. */
async function putBlock(
  { ledger, engine }: OpenedLedger,
  keys: LedgerKeys,
  previous?: string,
): Promise<void> {
  const link = linkOf(parseBlock((await ledger.block(0)) ?? ''));
  const { text } = makeBlock(
    { ...link, hash: previous ?? link.hash },
    { size: link.size + 1, root: Buffer.alloc(32, 1) },
    new Date().toISOString(),
    openSigner(keys),
    [0],
  );
  await engine.store.create(blockKey(1), Buffer.from(text));
}

describe('a block of another process', () => {
  it.each([
    [
      'whose root the log does not have',
      async (opened: OpenedLedger) => {
        await opened.engine.log.append([Buffer.from('{}')]);
        await putBlock(opened, await ownKeys());
      },
    ],
    [
      'that names another predecessor',
      (opened: OpenedLedger) =>
        ownKeys().then((keys) => putBlock(opened, keys, Buffer.alloc(32).toString('base64'))),
    ],
    [
      'that another key signed',
      (opened: OpenedLedger) =>
        putBlock(
          opened,
          parseKeyFile(
            createKeyFile({ application: 'payments', group: 'default', origin: opened.ledger.origin }),
          ),
        ),
    ],
    ['that is no block', ({ engine }: OpenedLedger) => engine.store.create(blockKey(1), Buffer.from('{}'))],
  ])('%s ends the group loudly', async (_, put) => {
    const stops: string[] = [];
    const opened = await bench.open({ onStop: ({ code }) => stops.push(code) });
    await accepted(opened.ledger);
    const signed = await opened.ledger.checkpoint();
    await put(opened);
    await expect(accepted(opened.ledger)).rejects.toMatchObject({ code: 'engine-corrupt', fate: 'unknown' });
    await expect(accepted(opened.ledger)).rejects.toMatchObject({ code: 'engine-corrupt', fate: 'none' });
    await expect(opened.ledger.checkpoint()).rejects.toMatchObject({ code: 'ledger-corrupt' });
    expect(stops).toEqual(['ledger-corrupt']);
    expect(opened.ledger.stopped?.code).toBe('ledger-corrupt');
    expect(parseCheckpoint(signed).size).toBe(1);
  });
});

describe('sealing', () => {
  it('whose answer was lost goes on from the block that is there', async () => {
    let lost = false;
    const { ledger } = await bench.open({
      between: (real) => ({
        ...real,
        log: inTwo(real.log),
        store: {
          ...real.store,
          async create(key, ...rest) {
            const revision = await real.store.create(key, ...rest);
            if (key !== blockKey(1) || lost) return revision;
            lost = true;
            throw new EngineError('engine-unavailable', 'unknown', 'the answer was lost');
          },
        },
      }),
    });
    await accepted(ledger);
    await expect(ledger.accept(acceptanceOf())).rejects.toMatchObject({ fate: 'unknown' });
    await accepted(ledger);
    expect(bench.verifyBytes(ledger.verifierKey)).toMatchObject({ ok: true, size: 3, blocks: 3 });
  });

  it('covers what others appended and never sealed', async () => {
    const unsealing = await bench.open({
      between: (real) => ({
        ...real,
        log: inTwo(real.log),
        store: {
          ...real.store,
          create: async (key, ...rest) => {
            if (key.startsWith('blocks/')) throw new EngineError('engine-full', 'none', 'no room');
            return real.store.create(key, ...rest);
          },
        },
      }),
    });
    const sealing = await bench.open();
    await expect(unsealing.ledger.accept(acceptanceOf())).rejects.toMatchObject({ fate: 'unknown' });
    await accepted(sealing.ledger);
    expect(bench.verifyBytes(sealing.ledger.verifierKey)).toMatchObject({ ok: true, size: 2 });
    expect(parseCheckpoint(await unsealing.ledger.checkpoint()).size).toBe(2);
  });

  it('of two resource groups makes two chains, each verifying on its own', async () => {
    const one = await bench.open({ group: 'one' });
    const two = await bench.open({ group: 'two' });
    await accepted(one.ledger);
    await accepted(two.ledger);
    await accepted(two.ledger);
    expect(await one.ledger.verify()).toMatchObject({ ok: true, size: 1, origin: one.ledger.origin });
    expect(await two.ledger.verify()).toMatchObject({ ok: true, size: 2, origin: two.ledger.origin });
    expect(one.ledger.verifierKey).not.toBe(two.ledger.verifierKey);
    expect(await one.ledger.verify(await two.ledger.checkpoint())).toMatchObject({ ok: false });
  });
});
