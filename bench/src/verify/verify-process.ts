import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { sqliteEngine } from '@slackwater/middleware';
import {
  blockHash,
  encodeBlock,
  encodeEntry,
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  GrowingTree,
  type LedgerEntry,
  leafHash,
  nodeHash,
  noteKeyId,
  toBase64,
} from '@slackwater/shared';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import { sha256 } from '../../../packages/middleware/dist/ledger/sha256.js';
import { verifyStored } from '../../../packages/middleware/dist/ledger/verify.js';
import { answerCalls } from '../child.ts';
import { scratchFolder } from '../scratch.ts';

/** A ledger in the embedded engine's file, and what it takes to verify it. */
export interface VerifyProcess {
  /** Appends so many entries, in blocks of 256. Resolves with the mean length of an entry, bytes. */
  build(entries: number): Promise<number>;
  /** Reads and verifies all of it: entries for each second of processor time, of all threads, and for each second. */
  verify(): Promise<{ readonly perCpuSecond: number; readonly perSecond: number }>;
  /** Reads all of it and hashes leaves and nodes, and nothing else: entries for each second of processor time. */
  hashAlone(): Promise<number>;
  /** What the process holds at most, bytes. */
  memory(): Promise<number>;
}

const blockEntries = 256;
const entriesPerRead = 2_000;
const origin = 'bench.example/ledger';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const rawKey = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
const keyId = noteKeyId(origin, rawKey);
const native = { sha256 };
const routes = ['/orders/:id/settle', '/payments/:id/settle', '/payments/:id/refund'];

/** What happens to one deferral: accepted, begun, performed. */
function lifeOf(n: number): readonly Uint8Array[] {
  const said: Omit<LedgerEntry, 'type' | 'reasons'> = {
    v: 1,
    id: `01JTX${String(n).padStart(21, '0')}`,
    at: new Date(1_777_636_800_000 + n).toISOString(),
    ...{ group: 'main', application: 'shop', method: 'POST', route: routes[n % 3] ?? '' },
    ...{
      workType: 'settle',
      partition: `orders-${n % 8}`,
      requester: `r-${(n % 1_000).toString(16).padStart(20, '0')}`,
    },
  };
  const digest = (): string => randomBytes(32).toString('base64');
  const commitLatencyMs = { value: 200 + ((n * 7) % 8_000) / 10, over: 200 };
  const because = { requesterClass: 'free', metrics: { commitLatencyMs } };
  return [
    encodeEntry({ ...said, type: 'accepted', reasons: ['over-threshold'], payload: digest(), because }),
    encodeEntry({ ...said, type: 'performing', attempt: 1, reasons: [] }),
    encodeEntry({
      ...said,
      type: 'performed',
      attempt: 1,
      status: 201,
      outcome: digest(),
      outcomeKnown: true,
      reasons: [],
    }),
  ];
}

async function make(): Promise<VerifyProcess> {
  const engine = await sqliteEngine({ directory: scratchFolder() }).open({
    application: 'shop',
    group: 'main',
    clock,
  });
  const { log, store } = engine;
  const tree = new GrowingTree(native);
  let previous = toBase64(new Uint8Array(32));
  let [height, lives] = [0, 0];
  let oldCheckpoint = '';
  const pending: Uint8Array[] = [];

  async function seal(entries: readonly Uint8Array[]): Promise<void> {
    await log.append(entries);
    for (const entry of entries) tree.append(leafHash(entry, native));
    const [size, root] = [tree.size, tree.root()];
    const text = formatCheckpoint({ origin, size, root });
    const checkpoint = formatNote(text, [
      { name: origin, keyId, signature: sign(null, Buffer.from(text), privateKey) },
    ]);
    const sealedAt = new Date(1_777_636_800_000 + size).toISOString();
    const ends = { first: size - entries.length, last: size - 1, size, root: toBase64(root) };
    const block = { v: 1, height, previous, ...ends, sealedAt, checkpoint } as const;
    await store.create(`blocks/${String(height).padStart(12, '0')}`, Buffer.from(encodeBlock(block)));
    previous = toBase64(blockHash(block, native));
    oldCheckpoint = checkpoint;
    height += 1;
  }

  async function* pages(): AsyncGenerator<readonly Uint8Array[]> {
    for (let at = 0; ; ) {
      const page = await log.read(at, entriesPerRead);
      if (page.length === 0) return;
      yield page;
      at += page.length;
    }
  }

  async function verifyAll(): Promise<void> {
    const trust = { verifierKeys: [formatVerifierKey(origin, rawKey)], oldCheckpoint };
    const report = await verifyStored({ log, store, clock }, trust);
    if (!report.ok) throw new Error(`${report.fault}: ${report.message}`);
  }

  async function hashAll(): Promise<void> {
    let hashes: Uint8Array[] = [];
    for await (const page of pages()) {
      hashes = [];
      // As many nodes as leaves, in the long run.
      for (const entry of page)
        hashes.push(nodeHash(hashes.at(-1) ?? rawKey, leafHash(entry, native), native));
    }
  }

  async function timed(
    work: () => Promise<void>,
  ): Promise<{ readonly perCpuSecond: number; readonly perSecond: number }> {
    const [startedAt, before] = [performance.now(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(before);
    const wallMs = performance.now() - startedAt;
    return {
      perCpuSecond: tree.size / ((user + system) / 1_000_000),
      perSecond: tree.size / (wallMs / 1_000),
    };
  }

  return {
    async build(entries) {
      let bytes = 0;
      for (let made = 0; made < entries; ) {
        while (pending.length < blockEntries) pending.push(...lifeOf(lives++));
        const run = pending.splice(0, Math.min(blockEntries, entries - made));
        await seal(run);
        made += run.length;
        bytes += run.reduce((sum, { length }) => sum + length, 0);
      }
      return bytes / entries;
    },
    verify: () => timed(verifyAll),
    hashAlone: async () => (await timed(hashAll)).perCpuSecond,
    memory: async () => process.resourceUsage().maxRSS * 1_024,
  };
}

await answerCalls<VerifyProcess>(make);
