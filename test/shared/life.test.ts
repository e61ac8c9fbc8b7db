import { readFileSync } from 'node:fs';
import {
  encodeBlock,
  encodeEntry,
  type LedgerEntry,
  type LedgerReport,
  lifeFaults,
  verifyLedger,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ed25519Verify } from '../../packages/middleware/src/ledger/signer.ts';
import { LedgerLives } from '../../packages/shared/src/ledger-lives.ts';
import { honestHistory } from './honest-hosts.ts';
import { entryOf, sealBlocks, signerOf } from './ledger-maker.ts';

const signer = signerOf('ledger.example/a', 7);
const error = 'route-refused';
const retryAt = '2026-05-01T12:00:09.000Z';
const otherPayload = Buffer.alloc(32, 77).toString('base64');

/** An entry of the first deferral, or of that number. */
const said = (type: LedgerEntry['type'], more: Partial<LedgerEntry> = {}, of = 0): LedgerEntry => {
  const { payload, ...entry } = entryOf(of, { type, ...more });
  return type === 'accepted' ? { ...entry, payload: payload ?? '' } : { ...entry, ...more };
};
const accepted = said('accepted');
const performing = (attempt: number): LedgerEntry => said('performing', { attempt });
const performed = (attempt: number, status?: number): LedgerEntry =>
  said('performed', { attempt, outcomeKnown: status !== undefined, ...(status && { status }) });
const failed = (attempt: number, more: Partial<LedgerEntry> = {}): LedgerEntry =>
  said('failed', { attempt, error, status: 409, ...more });
const retried = (attempt: number): LedgerEntry => failed(attempt, { status: 500, retryAt });
const canceled = said('canceled', { error: 'canceled-by-requester' });
const postponed = said('postponed', { postponements: 1 });
const redriven = (attempt: number): LedgerEntry => said('redriven', { attempt, by: 'code:test' });
const part = { ...accepted, parent: '01J' };
const released = said('released');
const parked = said('parked', { error: 'route-missing' });

/** Verifies a ledger that was sealed with just these entries, in blocks of two. */
function verified(entries: readonly LedgerEntry[], rememberSettled?: number): LedgerReport {
  const bytes = entries.map(encodeEntry);
  // Of two entries each, so that the fault's place can be told.
  const lengths = Array.from({ length: Math.ceil(bytes.length / 2) }, (_, i) =>
    Math.min(2, bytes.length - 2 * i),
  );
  const blocks = sealBlocks(bytes, lengths, signer).map(encodeBlock);
  const trust = { verifierKeys: [signer.verifierKey], ed25519Verify };
  const settled = rememberSettled === undefined ? {} : { rememberSettled };
  return verifyLedger({ entries: bytes, blocks, ...trust, ...settled });
}

describe('a sealed ledger whose entries say what can not be', () => {
  it.each<[string, readonly LedgerEntry[], string]>([
    ['performs what was not accepted', [performing(1)], 'never-accepted'],
    ['performed what was not accepted', [accepted, said('performed', { attempt: 1 }, 5)], 'never-accepted'],
    [
      'performed twice, each time with an answer',
      [accepted, performing(1), performing(2), performed(1, 201), performed(2, 201)],
      'performed-twice',
    ],
    [
      'performed again, some time after it was known to be done',
      [accepted, performing(1), performed(1, 201), performing(2), performed(2), performed(2, 201)],
      'performed-twice',
    ],
    ['redriven, and nothing parked it', [accepted, performing(1), redriven(1)], 'never-parked'],
    ['begins a part that nothing released', [part, performing(1)], 'begun-before-released'],
    ['begins a part again that nothing released', [part, part, performing(1)], 'begun-before-released'],
    ['performed after it was canceled', [accepted, canceled, performed(1, 200)], 'settled-otherwise'],
    [
      'performed after it was canceled, without an answer',
      [accepted, canceled, said('performed')],
      'settled-otherwise',
    ],
    ['begins after it was canceled', [accepted, postponed, canceled, performing(1)], 'begun-after-canceled'],
    [
      'begins another attempt after it was canceled',
      [accepted, performing(1), retried(1), canceled, performing(2)],
      'begun-after-canceled',
    ],
    [
      'canceled after it was performed',
      [accepted, performing(1), performed(1, 200), canceled],
      'settled-otherwise',
    ],
    [
      'performed after it failed for good',
      [accepted, performing(1), failed(1), performed(1, 200)],
      'settled-otherwise',
    ],
    ['performed without having begun', [accepted, performed(1, 200)], 'never-begun'],
    ['answered in an attempt that was not begun', [accepted, performing(1), retried(2)], 'never-begun'],
    ['answered in no attempt', [accepted, performing(1), said('performed', { status: 200 })], 'never-begun'],
    [
      'accepted again with another payload',
      [accepted, { ...accepted, payload: otherPayload }],
      'accepted-differently',
    ],
    [
      'accepted again for somebody else',
      [accepted, { ...accepted, requester: 'r-2' }],
      'accepted-differently',
    ],
    [
      'performed for somebody else',
      [accepted, said('performing', { attempt: 1, requester: 'r-2' })],
      'facts-differ',
    ],
    [
      'performed on another route',
      [accepted, said('performing', { attempt: 1, route: '/x' })],
      'facts-differ',
    ],
    [
      'performed on another partition',
      [accepted, said('postponed', { postponements: 1, partition: 'x' })],
      'facts-differ',
    ],
    [
      'does not say what was accepted',
      [said('work-type-changed', { id: '01J' }), unsaid('payload', accepted)],
      'member-missing',
    ],
    ['does not say which attempt began', [accepted, unsaid('attempt', performing(1))], 'member-missing'],
    ['does not say why it failed', [accepted, performing(1), unsaid('error', failed(1))], 'member-missing'],
  ])('is refused where it %s, by the first such entry', (_, entries, fault) => {
    const index = entries.length - 1;
    const height = index >> 1;
    expect(verified(entries)).toMatchObject({ ok: false, fault, index, height });
    expect(verified([...entries, said('accepted', {}, 1)])).toMatchObject({ fault, index, height });
    expect(verified(entries.slice(0, -1))).toMatchObject({ ok: true });
  });

  it('is refused where an entry was sealed that is none', () => {
    const bytes = [encodeEntry(accepted), new Uint8Array([1, 2, 3])];
    const blocks = sealBlocks(bytes, [2], signer).map(encodeBlock);
    const report = verifyLedger({ entries: bytes, blocks, verifierKeys: [signer.verifierKey] });
    expect(report).toMatchObject({ fault: 'entry-malformed', index: 1, height: 0 });
  });

  it('is refused for its bytes first: what was changed after sealing accuses nobody', () => {
    const bytes = [accepted, canceled].map(encodeEntry);
    const blocks = sealBlocks(bytes, [2], signer).map(encodeBlock);
    const forged = bytes.with(1, encodeEntry(performed(1, 200)));
    const report = verifyLedger({ entries: forged, blocks, verifierKeys: [signer.verifierKey] });
    expect(report).toMatchObject({ fault: 'root-differs', height: 0 });
  });
});

describe('a ledger of honest hosts', () => {
  it.each<[string, readonly LedgerEntry[], object]>([
    [
      'attempts that were repeated',
      [accepted, performing(1), retried(1), performing(2), performed(2, 200)],
      { performed: 1 },
    ],
    [
      'an attempt whose lease expired',
      [accepted, performing(1), performing(2), performed(2, 200)],
      { performed: 1, late: 0 },
    ],
    ['an attempt of which there is no entry', [accepted, performing(2), performed(2, 200)], { performed: 1 }],
    [
      'an attempt that was begun twice',
      [accepted, performing(1), performing(1), performed(1, 200)],
      { late: 1 },
    ],
    [
      'an end that was recorded twice',
      [accepted, performing(1), performed(1, 200), performed(1, 200)],
      { performed: 1, late: 1 },
    ],
    [
      'what an overtaken attempt says late',
      [accepted, performing(2), performing(1), retried(1), performed(2, 200)],
      { late: 2 },
    ],
    [
      'an attempt that began as the other one ended',
      [accepted, performing(1), performed(1, 200), performing(2), performed(2)],
      { late: 2 },
    ],
    [
      'an answer that follows its being known',
      [accepted, performing(1), performed(2), performed(1, 200)],
      { performed: 1 },
    ],
    [
      'work that was known to be done before any attempt',
      [accepted, said('performed', { outcomeKnown: false })],
      { performed: 1 },
    ],
    [
      'an attempt that was shut out by its canceling',
      [accepted, performing(2), retried(2), canceled, performing(1)],
      { canceled: 1 },
    ],
    ['a canceling that two finished', [accepted, canceled, canceled], { canceled: 1, late: 1 }],
    [
      'a cancellation beside a failure',
      [accepted, performing(1), failed(1), canceled],
      { failed: 1, late: 1 },
    ],
    [
      'one acceptance, recorded twice',
      [accepted, accepted, performing(1), performed(1, 200)],
      { accepted: 1, late: 1 },
    ],
    [
      'one acceptance of two hosts that differ in the work type',
      [accepted, { ...accepted, workType: 'other' }, said('performing', { attempt: 1, workType: 'other' })],
      { unsettled: 1 },
    ],
    [
      'one that was parked and tried again',
      [
        accepted,
        performing(1),
        parked,
        redriven(1),
        redriven(1),
        performing(2),
        performed(2, 200),
        redriven(1),
      ],
      { performed: 1 },
    ],
    ['a part that was released', [part, released, performing(1), performed(1, 200)], { performed: 1 }],
    [
      'a part that two hosts released, one of them when it was over',
      [part, released, released, performing(1), performed(1), released],
      { performed: 1 },
    ],
    ['a part that was canceled instead', [part, canceled], { canceled: 1 }],
    [
      'one that failed for good, without an answer',
      [accepted, performing(1), said('failed', { attempt: 1, error })],
      { failed: 1 },
    ],
    ['one that waits', [accepted, postponed], { unsettled: 1 }],
    [
      'an entry about a work type',
      [said('work-type-changed', { id: '01J', by: 'code:x', changes: {} })],
      { accepted: 0 },
    ],
  ])('may have %s', (_, entries, lives) => {
    expect(verified(entries)).toMatchObject({ ok: true, lives });
  });

  it('has no fault, however the hosts overtake each other, are cut off, and come back', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(2 ** 30)), (choices) => {
        const lives = new LedgerLives();
        for (const entry of honestHistory(choices, 3)) expect(lives.entry(entry)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('how much is remembered of what was settled', () => {
  const life = (n: number): LedgerEntry[] => [
    said('accepted', {}, n),
    said('performing', { attempt: 1 }, n),
    said('performed', { attempt: 1, status: 200 }, n),
  ];
  const again = said('performed', { attempt: 2, status: 200 }, 0);

  it('is as much as was asked for: of what was forgotten nothing is judged, and that is said', () => {
    const entries = [...life(0), ...life(1), ...life(2), again];
    expect(verified(entries)).toMatchObject({ fault: 'performed-twice', index: 9 });
    expect(verified(entries, 3)).toMatchObject({ fault: 'performed-twice', index: 9 });
    expect(verified(entries, 2)).toMatchObject({ ok: true, lives: { accepted: 3, unjudged: 1 } });
    expect(verified([...life(0), again], 0)).toMatchObject({ ok: true, lives: { unjudged: 1 } });
  });

  it('is the default where what was asked for is no count', () => {
    for (const remember of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, '3' as unknown as number]) {
      const report = verified([...life(0), ...life(1), again], remember);
      expect(report).toMatchObject({ fault: 'performed-twice', index: 6 });
    }
  });

  it('hides no deferral that was never there, for ids are in the order of their making', () => {
    const entries = [...life(0), ...life(1), said('performing', { attempt: 1 }, 2)];
    expect(verified(entries, 0)).toMatchObject({ fault: 'never-accepted', index: 6 });
  });

  it('is everything of what is not settled', () => {
    const waiting = Array.from({ length: 50 }, (_, n) => said('accepted', {}, n));
    const begun = said('performing', { attempt: 1, route: '/other' }, 3);
    expect(verified([...waiting, begun], 0)).toMatchObject({ fault: 'facts-differ', index: 50 });
  });
});

it('every fault of a life stands in the table of docs/ledger-format.md, and no other', () => {
  const format = readFileSync(new URL('../../docs/ledger-format.md', import.meta.url), 'utf8');
  const start = format.indexOf('### The life of a deferral');
  const section = format.slice(start, format.indexOf('\n### ', start));
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  const documented = rows.flatMap((row) =>
    [...row.matchAll(/`([a-z-]+)`[:,.]/g)].map(([, name = '']) => name),
  );
  const faults = new Set(documented.filter((name) => name.includes('-')));
  expect([...faults].toSorted()).toEqual([...lifeFaults].toSorted());
});

function unsaid(member: keyof LedgerEntry, entry: LedgerEntry): LedgerEntry {
  const { [member]: _, ...rest } = entry;
  return rest as LedgerEntry;
}
