import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LedgerEntry, parseEntry } from '@slackwater/shared';
import { type ManualClock, manualClock } from '@slackwater/test-support/manual-clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { wrappedUnder } from '../../../packages/middleware/src/ledger/key-wrapping.ts';
import {
  createKeyFile,
  encodeKeyFile,
  makeSigningKey,
  makeWrappingKey,
  parseKeyFile,
} from '../../../packages/middleware/src/ledger/keys.ts';
import { type Ledger, openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { eraseRequester } from '../../../packages/middleware/src/perform/erase-requester.ts';
import { hurriedClock } from '../cli/command-line.ts';
import { type Fault, faultyEngine } from './faulty-engine.ts';
import { accepted } from './ledgers.ts';

// Every write of a rotation and of an erasure, in the ways of faults.test.ts.

const faults: readonly Fault[] = [
  'failed',
  'failed, with its fate unknown',
  'failed, but the bytes persisted',
];
const afterwards = ['goes on', 'was killed'] as const;
const mostTries = 5;
const alice = 'alice@example.com';
const gone = { code: 'requester-erased' } as const;

interface Life {
  readonly clock: ManualClock;
  readonly real: OpenEngine;
  readonly before: string;
  readonly erased: Awaited<ReturnType<typeof accepted>>;
  readonly kept: Awaited<ReturnType<typeof accepted>>;
  readonly entries: () => Promise<readonly LedgerEntry[]>;
}

/** What is done to a ledger's keys, by somebody who asks for it again until it is done. */
interface Deed {
  readonly of: string;
  readonly writes: readonly string[];
  readonly does: (ledger: Ledger, life: Life) => Promise<void>;
  readonly holds: (ledger: Ledger, life: Life) => Promise<void>;
}

const entryWithBlock = 'log.appendSealed blocks/';
const keys = parseKeyFile(createKeyFile({ application: 'shop', group: 'main' }));
const nextKeys = encodeKeyFile({
  ...keys,
  signing: [...keys.signing, makeSigningKey()],
  encryption: [...keys.encryption, makeWrappingKey(2)],
});

const deeds: readonly Deed[] = [
  {
    of: 'a new key-encryption key',
    writes: [
      'wrappedKeys.update current',
      'wrappedKeys.update requester/',
      'wrappedKeys.update requester/',
      entryWithBlock,
      'wrappedKeys.update current',
    ],
    async does(ledger) {
      await ledger.rotateWrappingKey('command:officer');
    },
    async holds(ledger, { real, erased, kept, entries }) {
      for (const { id, requester } of [erased, kept]) {
        await ledger.request(id);
        const { value = new Uint8Array() } = (await real.wrappedKeys.get(`requester/${requester}`)) ?? {};
        expect(wrappedUnder(requester, value)).toBe(2);
      }
      const rotated = (await entries()).filter(({ type }) => type === 'key-rotated');
      expect(rotated).toMatchObject([{ keyVersion: 2, by: 'command:officer' }]);
    },
  },
  {
    of: 'a new signing key',
    writes: [entryWithBlock],
    async does(ledger) {
      await ledger.checkpoint();
      if (ledger.signingKey === 0) await ledger.rotateSigningKey('command:officer');
    },
    async holds(ledger, { entries }) {
      expect(ledger.signingKey).toBe(1);
      expect((await entries()).filter(({ type }) => type === 'key-rotated')).toHaveLength(1);
      await accepted(ledger);
    },
  },
  {
    of: 'erasing a requester',
    writes: [
      'store.create erasure/',
      'store.update requester/',
      'store.update deferral/',
      entryWithBlock,
      'store.update deferral/',
      'queue.remove',
      'store.put recovery/',
      'store.create erasing/',
      'wrappedKeys.destroy requester/',
      entryWithBlock,
      'store.delete requester/',
      'store.delete erasure/',
      'store.delete erasing/',
    ],
    async does(ledger, { clock }) {
      const [begun] = await ledger.erasures.unfinished();
      const erasure = begun ?? (await ledger.erasures.begin(alice, { by: 'code:test', purpose: '4711' }));
      if (erasure === undefined) return;
      const error = { ...gone, message: 'erased' };
      const cancel = async (id: string) =>
        (await ledger.step(id, { type: 'canceled', error })) === undefined ? 'not-cancelable' : 'canceled';
      // Whoever died at it keeps the others from it for half a minute.
      clock.advance(60_000);
      const parts = { ledger, cancel, clock: hurriedClock(200, 60_000) };
      const { status } = await eraseRequester(parts, erasure, 300_000);
      if (status !== 'erased') throw new EngineError('engine-unavailable', 'none', status);
    },
    async holds(ledger, { erased, kept, entries }) {
      await expect(ledger.request(erased.id)).rejects.toMatchObject(gone);
      expect(await ledger.find(erased.id)).toMatchObject({ status: 'Canceled' });
      await ledger.request(kept.id);
      expect(await ledger.erasures.unfinished()).toEqual([]);
      expect((await entries()).filter(({ type }) => type === 'erased')).toHaveLength(1);
      expect((await accepted(ledger)).requester).not.toBe(erased.requester);
    },
  },
];

let directory: string;
let engine: Engine;
let keepsThread: OpenEngine;
let lives = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-key-faults-'));
  engine = sqliteEngine({ directory });
  keepsThread = await engine.open({ application: 'keeps', group: 'thread', clock: manualClock() });
});

afterAll(async () => {
  await keepsThread.close();
  await rm(directory, { recursive: true, force: true });
});

/** Does a deed of which one write fails; gives what was written from when it began. */
async function live({ does, holds }: Deed, plan?: { at: number; fault: Fault; isKilled: boolean }) {
  lives += 1;
  const clock = manualClock();
  const owner = { application: `life ${lives}`, group: 'main', clock };
  const real = await engine.open(owner);
  const open = (inner: OpenEngine, file: Uint8Array): Promise<Ledger> =>
    openLedger({
      ...{ ...owner, engine: { ...inner, keyFile: async () => file } },
      ...{ recoverEveryMs: 1e9, keyCacheMs: 0, engineTimeoutMs: 60_000 },
    });
  const first = await open(real, encodeKeyFile(keys));
  const life: Life = {
    ...{ clock, real, before: await first.checkpoint() },
    ...{ erased: await accepted(first), kept: await accepted(first, { requester: 'bob' }) },
    entries: async () => (await real.log.read(0, 100)).map((bytes) => parseEntry(bytes)),
  };
  await first.recover();
  const faulty = faultyEngine(real, plan);
  let ledger = await open(faulty.engine, nextKeys);
  expect(faulty.writes).toEqual([]);
  let failures = 0;
  for (;;) {
    try {
      await does(ledger, life);
      break;
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError);
      failures += 1;
      if (failures > mostTries) throw error;
      if (plan?.isKilled === true) ledger = await open(real, nextKeys);
    }
  }
  const writes = [...faulty.writes];
  await holds(ledger, life);
  for (const head of [life.before, await ledger.checkpoint()]) {
    expect(await ledger.verify(head)).toMatchObject({ ok: true });
  }
  await ledger.close();
  await first.close();
  await real.close();
  return { writes, failures };
}

describe.each(deeds)('$of', (deed) => {
  it('writes what is told here, and docs/durability.md tells of each', async () => {
    expect(await live(deed)).toEqual({ writes: deed.writes, failures: 0 });
    const document = readFileSync(new URL('../../../docs/durability.md', import.meta.url), 'utf8');
    const [, section = ''] = document.split('## Keys');
    expect(deed.writes.filter((write) => !section.includes(`\`${write}\``))).toEqual([]);
  });

  const ios = deed.writes.map((write, at) => ({ write, at }));
  it.each(ios)('is done once, whatever becomes of its write $at ($write)', async ({ at, write }) => {
    for (const fault of faults) {
      const lived = afterwards.map(async (after) => {
        const { writes } = await live(deed, { at, fault, isKilled: after === 'was killed' });
        expect(writes[at]).toBe(write);
      });
      await Promise.all(lived);
    }
  });
});
