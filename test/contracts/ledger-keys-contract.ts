import { parseEntry, verifyReceipt } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../packages/middleware/src/engines/engine-error.ts';
import { wrappedUnder } from '../../packages/middleware/src/ledger/key-wrapping.ts';
import {
  createKeyFile,
  encodeKeyFile,
  makeSigningKey,
  makeWrappingKey,
  parseKeyFile,
} from '../../packages/middleware/src/ledger/keys.ts';
import type { Ledger } from '../../packages/middleware/src/ledger/open-ledger.ts';
import { ed25519Verify } from '../../packages/middleware/src/ledger/signer.ts';
import { verifyStored } from '../../packages/middleware/src/ledger/verify.ts';
import { eraseRequester } from '../../packages/middleware/src/perform/erase-requester.ts';
import { hurriedClock } from '../middleware/cli/command-line.ts';
import { accepted } from '../middleware/ledger/ledgers.ts';
import { type MakeEngineUnderTest, scope, withEngineOf, withSecond } from './engine-under-test.ts';
import { ledgerOn } from './ledger-on.ts';

const alice = 'alice@example.com';
const asked = { by: 'token:officer', purpose: 'request 4711' };
const gone = { code: 'requester-erased' } as const;
const erased = { ...gone, message: 'erased' };
const keyless = { code: 'ledger-keys-differ' };
/** Hosts look at every use whether a requester's key is still there. */
const noCache = { keyCacheMs: 0 };

/** What the ledger makes of an engine's wrapped keys, and of keys that several hosts are given. */
export function ledgerKeysContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('erasing a requester', () => {
    it(
      'settles what is pending, and leaves no host anything of it to read, and every proof valid',
      withEngine(async (engine, under) => {
        const keys = createKeyFile(scope);
        const one = await ledgerOn(engine, () => keys, under.clock, noCache);
        const { id, requester } = await performed(one);
        const pending = await accepted(one);
        const bobs = await accepted(one, { requester: 'bob' });
        const before = { proof: await one.proof(id), checkpoint: await one.checkpoint() };
        await withSecond(under, async (second) => {
          const other = await ledgerOn(second, () => keys, under.clock, noCache);
          await other.request(id);
          const erasure = await other.erasures.begin(alice, asked);
          if (erasure === undefined) throw new Error('nothing is kept');
          await expect(accepted(one)).rejects.toMatchObject({ code: 'engine-unavailable', fate: 'none' });
          expect(await carryOn(other, erasure)).toMatchObject({ status: 'erased', requester });
          for (const host of [one, other]) {
            await expect(host.request(id)).rejects.toMatchObject(gone);
            await expect(host.outcome(id)).rejects.toMatchObject(gone);
            expect(await host.find(pending.id)).toMatchObject({ status: 'Canceled', error: gone });
            await host.request(bobs.id);
          }
          await other.close();
        });
        const kept = await engine.wrappedKeys.list({ limit: 10 });
        expect(kept.map(({ key }) => key)).toEqual(['current', `requester/${bobs.requester}`]);
        const verifierKeys = [one.verifierKey];
        for (const { entry, receipt } of [before.proof, await one.proof(id)]) {
          expect(verifyReceipt(receipt, { entry, verifierKeys }, { ed25519Verify }).index).toBe(0);
        }
        expect(await one.verify(before.checkpoint)).toMatchObject({ ok: true });
        const [last] = (await entriesIn(engine)).slice(-1);
        expect(last).toMatchObject({ type: 'erased', requester, ...asked });
        expect((await accepted(one)).requester).not.toBe(requester);
        await one.close();
      }),
    );

    it(
      'is gone on with by another host where one died once the key was destroyed, and recorded once',
      withEngine(async (engine, under) => {
        const keys = createKeyFile(scope);
        const { dying, die } = mortal(engine);
        // A minute ago: whoever died then keeps nobody from going on.
        const { clock } = under;
        const aMinuteAgo: Clock = {
          now: () => clock.now(),
          wallNow: () => clock.wallNow() - 60_000,
          after: (ms, work) => clock.after(ms, work),
        };
        const first = await ledgerOn(dying, () => keys, aMinuteAgo, noCache);
        const { id } = await accepted(first);
        const erasure = await first.erasures.begin(alice, asked);
        if (erasure === undefined) throw new Error('nothing is kept');
        await first.step(id, { type: 'canceled', error: erased });
        die();
        await expect(first.erasures.finish(erasure)).rejects.toThrow('died');
        await withSecond(under, async (second) => {
          const other = await ledgerOn(second, () => keys, under.clock, noCache);
          const [found] = await other.erasures.unfinished();
          expect(found).toEqual(erasure);
          expect(await carryOn(other, erasure)).toMatchObject({ status: 'erased' });
          await expect(other.request(id)).rejects.toMatchObject(gone);
          expect(await other.verify()).toMatchObject({ ok: true });
          await other.close();
        });
        expect((await entriesIn(engine)).filter(({ type }) => type === 'erased')).toHaveLength(1);
      }),
    );
  });

  describe('keys that hosts are given', () => {
    it(
      'get a new version of the key-encryption key: no record is written again, and older copies are worth nothing',
      withEngine(async (engine, under) => {
        const old = createKeyFile(scope);
        const given = { one: old, other: old };
        const one = await ledgerOn(engine, () => given.one, under.clock, noCache);
        const mine = await accepted(one);
        const copy = await wrappedKeyOf(engine, mine.requester);
        const payload = await engine.store.get(`payload/${mine.id}`);
        const next = withVersion(old);
        await withSecond(under, async (second) => {
          const other = await ledgerOn(second, () => given.other, under.clock, noCache);
          await accepted(other, { requester: 'bob' });
          given.one = next;
          expect(await one.rotateWrappingKey('command:officer')).toEqual({ version: 2, wrapped: 2 });
          expect(await engine.store.get(`payload/${mine.id}`)).toEqual(payload);
          await one.request(mine.id);
          // A host that was forgotten says so, and reads them as soon as it has the file.
          await expect(other.request(mine.id)).rejects.toMatchObject(keyless);
          given.other = next;
          // It looks into the file once a second at most.
          await under.pass(1_000);
          await other.request(mine.id);
          const theirs = await accepted(other, { requester: 'carol' });
          expect(wrappedUnder(theirs.requester, await wrappedKeyOf(engine, theirs.requester))).toBe(2);
          expect(await other.rotateWrappingKey('again')).toEqual({ version: 2, wrapped: 0 });
          await other.close();
        });
        const rotated = (await entriesIn(engine)).filter(({ type }) => type === 'key-rotated');
        expect(rotated).toMatchObject([{ by: 'command:officer', keyVersion: 2, requester: '' }]);
        expect(await one.verify()).toMatchObject({ ok: true });
        await one.close();

        const newest = encodeKeyFile({ ...parseKeyFile(next), encryption: newestOf(next) });
        await withSecond(under, async (again) => {
          const later = await ledgerOn(again, () => newest, under.clock, noCache);
          await later.request(mine.id);
          const name = `requester/${mine.requester}`;
          const { revision = 0 } = (await again.wrappedKeys.get(name)) ?? {};
          await again.wrappedKeys.update(name, copy, revision);
          await expect(later.request(mine.id)).rejects.toMatchObject(keyless);
          await later.close();
        });
      }),
    );

    it(
      'get a new signing key that the first verifier key leads to, also offline; a host that lacks it signs nothing',
      withEngine(async (engine, under) => {
        const old = createKeyFile(scope);
        const given = { one: old, other: old };
        const one = await ledgerOn(engine, () => given.one, under.clock);
        const first = one.verifierKey;
        const early = await accepted(one);
        const oldCheckpoint = await one.checkpoint();
        const next = withSigningKey(old);
        await withSecond(under, async (second) => {
          const other = await ledgerOn(second, () => given.other, under.clock);
          given.one = next;
          const rotated = await one.rotateSigningKey('command:officer');
          expect(rotated).not.toBe(first);
          await accepted(one);
          // Its entry may be there, sealed by whoever can.
          await expect(accepted(other)).rejects.toMatchObject({ fate: 'unknown' });
          expect(other.stopped).toMatchObject(keyless);
          given.other = next;
        });
        await withSecond(under, async (third) => {
          const again = await ledgerOn(third, () => given.other, under.clock);
          expect(again.signingKey).toBe(1);
          expect(again.verifierKey).toBe(first);
          const late = await accepted(again);
          for (const host of [one, again]) {
            for (const { id } of [early, late]) {
              const { entry, receipt } = await host.proof(id);
              expect(() =>
                verifyReceipt(receipt, { entry, verifierKeys: [first] }, { ed25519Verify }),
              ).not.toThrow();
            }
          }
          await again.close();
        });
        const known = { verifierKeys: [first], oldCheckpoint };
        expect(await verifyStored({ ...engine, clock: under.clock }, known)).toMatchObject({ ok: true });
        await one.close();
      }),
    );

    it(
      'are one file for each group: each ledger verifies by its own alone, and is erased from by itself',
      withEngine(async (engine, under) => {
        const keys = createKeyFile(scope);
        const elsewhere = { ...scope, group: 'other' };
        const theirKeys = createKeyFile(elsewhere);
        const mine = await ledgerOn(engine, () => keys, under.clock, noCache);
        const { id } = await accepted(mine);
        await withSecond(
          under,
          async (apart) => {
            const theirs = await ledgerOn(apart, () => theirKeys, under.clock, {
              ...noCache,
              ...elsewhere,
            });
            const other = await accepted(theirs);
            expect(theirs.origin).not.toBe(mine.origin);
            const proof = { entry: (await theirs.proof(other.id)).entry, verifierKeys: [mine.verifierKey] };
            const { receipt } = await theirs.proof(other.id);
            expect(() => verifyReceipt(receipt, proof, { ed25519Verify })).toThrow();
            const erasure = await theirs.erasures.begin(alice, asked);
            if (erasure === undefined) throw new Error('nothing is kept');
            expect(await carryOn(theirs, erasure)).toMatchObject({ status: 'erased' });
            await expect(theirs.request(other.id)).rejects.toMatchObject(gone);
            await mine.request(id);
            for (const ledger of [mine, theirs]) expect(await ledger.verify()).toMatchObject({ ok: true });
            await theirs.close();
            await expect(
              ledgerOn(apart, () => keys, under.clock, { ...noCache, ...elsewhere }),
            ).rejects.toMatchObject(keyless);
          },
          elsewhere,
        );
        expect((await entriesIn(engine)).map(({ type }) => type)).toEqual(['accepted']);
        await mine.close();
      }),
    );
  });
}

async function performed(ledger: Ledger): Promise<{ readonly id: string; readonly requester: string }> {
  const { id, requester } = await accepted(ledger);
  await ledger.step(id, { type: 'performing', token: 1 });
  const outcome = { status: 201, headers: [], body: Buffer.from('order 7') };
  await ledger.step(id, { type: 'performed', token: 1, outcome });
  return { id, requester };
}

/** Carries an erasure on as a gate does, with nobody else at work; between two looks a minute passes. */
function carryOn(ledger: Ledger, erasure: Parameters<typeof eraseRequester>[1]) {
  const cancel = async (id: string) =>
    (await ledger.step(id, { type: 'canceled', error: erased })) === undefined
      ? 'not-cancelable'
      : 'canceled';
  return eraseRequester({ ledger, cancel, clock: hurriedClock(200, 60_000) }, erasure, 3_600_000);
}

/** An engine that dies, for who has it, before the next entry once it is told so. */
function mortal(engine: OpenEngine): { readonly dying: OpenEngine; die(): void } {
  let isDead = false;
  const { appendSealed, ...log } = engine.log;
  return {
    die: () => {
      isDead = true;
    },
    dying: {
      ...engine,
      log: {
        ...log,
        append: async (entries) => {
          if (isDead) throw new EngineError('engine-unavailable', 'none', 'died');
          return log.append(entries);
        },
      },
    },
  };
}

async function entriesIn({ log }: OpenEngine) {
  return (await log.read(0, 100)).map((bytes) => parseEntry(bytes));
}

async function wrappedKeyOf({ wrappedKeys }: OpenEngine, pseudonym: string): Promise<Uint8Array> {
  return (await wrappedKeys.get(`requester/${pseudonym}`))?.value ?? new Uint8Array();
}

function withVersion(file: Uint8Array): Uint8Array {
  const keys = parseKeyFile(file);
  return encodeKeyFile({ ...keys, encryption: [...keys.encryption, makeWrappingKey(2)] });
}

function withSigningKey(file: Uint8Array): Uint8Array {
  const keys = parseKeyFile(file);
  return encodeKeyFile({ ...keys, signing: [...keys.signing, makeSigningKey()] });
}

function newestOf(file: Uint8Array) {
  const [first, ...others] = parseKeyFile(file).encryption;
  return [others.at(-1) ?? first] as const;
}
