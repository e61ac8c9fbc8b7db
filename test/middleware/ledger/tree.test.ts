import { inclusionProof, leafHash, merkleRoot, verifyInclusion, verifyReceipt } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import type { Head } from '../../../packages/middleware/src/ledger/chain.ts';
import { proveInclusion } from '../../../packages/middleware/src/ledger/proofs.ts';
import { ed25519Verify } from '../../../packages/middleware/src/ledger/signer.ts';
import { openTiles, tileKey } from '../../../packages/middleware/src/ledger/tiles.ts';
import {
  emptyEdge,
  extendEdge,
  rootOf,
  type TreeEdge,
} from '../../../packages/middleware/src/ledger/tree-edge.ts';
import { accepted, type Bench, ledgerBench } from './ledgers.ts';

const entryAt = (i: number): Uint8Array => Buffer.from(`entry ${i}`);
const leaves = (from: number, to: number): Uint8Array[] =>
  Array.from({ length: to - from }, (_, i) => leafHash(entryAt(from + i)));
const headOf = (edge: TreeEdge): Head => ({
  edge,
  signing: 0,
  root: rootOf(edge),
  link: { height: 0, hash: '', size: edge.size },
  checkpoint: '',
});

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

describe('the tree', () => {
  it('has the root of RFC 6962 at every size from 0 to 600, however it grew', () => {
    const all = leaves(0, 600);
    let edge = emptyEdge;
    for (let size = 0; size <= 600; size++) {
      expect(Buffer.from(rootOf(edge)).toString('hex')).toBe(
        Buffer.from(merkleRoot(all.slice(0, size))).toString('hex'),
      );
      edge = extendEdge(edge, leaves(size, size + 1)).edge;
    }
    expect(rootOf(extendEdge(emptyEdge, leaves(0, 601)).edge)).toEqual(rootOf(edge));
  }, 120_000);

  it('never changes an edge that a head has signed', () => {
    const before = extendEdge(emptyEdge, leaves(0, 255)).edge;
    const root = rootOf(before);
    extendEdge(before, leaves(255, 700));
    expect(rootOf(before)).toEqual(root);
    expect(before.size).toBe(255);
  });

  it('names tiles as tlog-tiles does', () => {
    expect([tileKey(0, 0), tileKey(1, 999), tileKey(0, 1_234_067)]).toEqual([
      'tile/0/000',
      'tile/1/999',
      'tile/0/x001/x234/067',
    ]);
  });

  it('proves every entry from tiles, and makes lost tiles again from the log, across two levels of tiles', async () => {
    const engine = await sqliteEngine({ directory: bench.directory }).open({
      application: 'a',
      group: 'g',
      clock: systemClock,
    });
    const size = 66_000;
    let edge = emptyEdge;
    const tiles = openTiles(engine.store, engine.log);
    while (edge.size < size) {
      const count = Math.min(1_000, size - edge.size);
      await engine.log.append(Array.from({ length: count }, (_, i) => entryAt(edge.size + i)));
      const next = extendEdge(edge, leaves(edge.size, edge.size + count));
      await tiles.keep(next.filled);
      edge = next.edge;
    }
    await engine.store.delete(tileKey(0, 3));
    await engine.store.delete(tileKey(1, 0));
    const reopened = openTiles(engine.store, engine.log);
    expect(rootOf(await reopened.edgeAt(size))).toEqual(rootOf(edge));
    const head = headOf(edge);
    for (const index of [0, 255, 256, 800, 1_023, 32_767, 65_535, 65_536, 65_999]) {
      const proof = await proveInclusion(reopened, head, index);
      const claim = { index, size, leafHash: leafHash(entryAt(index)), proof, root: head.root };
      expect(verifyInclusion(claim)).toBe(true);
      expect(proof.length).toBeLessThanOrEqual(17);
    }
    const stored = (await engine.store.get(tileKey(0, 3)))?.value;
    expect(stored?.length).toBe(8_704);
    // A tile without its middle row, as they were stored before, is as good: the log is not asked.
    await engine.store.put(tileKey(0, 3), stored?.subarray(0, 8_192) ?? new Uint8Array(0));
    const read = () => Promise.reject(new Error('the log was read'));
    // Each tile on the way is read once, although most of the proof's hashes are in one.
    const reads: string[] = [];
    const get = (key: string) => {
      reads.push(key);
      return engine.store.get(key);
    };
    const ofShort = openTiles({ ...engine.store, get }, { ...engine.log, read });
    const proofs = await Promise.all([ofShort, reopened].map((each) => proveInclusion(each, head, 800)));
    const [short, whole] = proofs.map((proof) => proof.map((hash) => Buffer.from(hash)));
    expect(short).toEqual(whole);
    expect(reads.toSorted()).toEqual([tileKey(0, 3), tileKey(1, 0)]);
    await engine.close();
  }, 120_000);

  it('proves each entry at the sizes 1 to 600 as the shared functions do (B-51)', async () => {
    const engine = await sqliteEngine({ directory: bench.directory }).open({
      application: 'a',
      group: 'g',
      clock: systemClock,
    });
    const tiles = openTiles(engine.store, engine.log);
    const all = leaves(0, 600);
    let edge = emptyEdge;
    for (let size = 1; size <= 600; size++) {
      await engine.log.append([entryAt(size - 1)]);
      const next = extendEdge(edge, leaves(size - 1, size));
      await tiles.keep(next.filled);
      edge = next.edge;
      const whole = size <= 20 || [255, 256, 257, 511, 512, 513, 600].includes(size);
      const indices = whole ? [...all.keys()].slice(0, size) : [0, size >> 1, size - 1];
      for (const index of indices) {
        const proof = await proveInclusion(tiles, headOf(edge), index);
        const claim = { index, size, leafHash: leafHash(entryAt(index)), proof, root: rootOf(edge) };
        expect(verifyInclusion(claim)).toBe(true);
      }
    }
    const middle = await proveInclusion(tiles, headOf(edge), 300);
    expect(middle.map((hash) => Buffer.from(hash))).toEqual(
      inclusionProof(all, 300).map((hash) => Buffer.from(hash)),
    );
    await engine.close();
  }, 120_000);
});

describe('receipts', () => {
  it('verify for every entry, after a restart in the middle of a tile as well (B-51)', async () => {
    const first = await bench.open();
    const ids: string[] = [];
    const acceptSome = async (count: number, ledger = first.ledger): Promise<void> => {
      const some = await Promise.all(Array.from({ length: count }, () => accepted(ledger)));
      ids.push(...some.map(({ id }) => id));
    };
    await acceptSome(300);
    const old = await first.ledger.checkpoint();
    await first.abandon();
    const second = await bench.open();
    await acceptSome(300, second.ledger);
    expect(bench.verifyBytes(second.ledger.verifierKey, old)).toMatchObject({ ok: true, size: 600 });
    for (const id of ids) {
      const { entry, receipt } = await second.ledger.proof(id);
      const trust = { entry, verifierKeys: [second.ledger.verifierKey] };
      const verified = verifyReceipt(receipt, trust, { ed25519Verify });
      expect(verified.size).toBe(600);
    }
    expect(second.ledger.verifierKey).toBe(first.ledger.verifierKey);
  }, 120_000);

  it('are right although a tile was tampered with: the log has the word', async () => {
    const { ledger } = await bench.open();
    const deferrals = await Promise.all(Array.from({ length: 300 }, () => accepted(ledger)));
    const [target] = deferrals;
    bench.database((db) =>
      db.prepare("UPDATE store_1 SET value = zeroblob(8192) WHERE key = 'tile/0/000'").run(),
    );
    const again = await bench.open();
    const { entry, receipt } = await again.ledger.proof(target?.id ?? '');
    expect(verifyReceipt(receipt, { entry, verifierKeys: [ledger.verifierKey] }).size).toBe(300);
  });
});
